"""A broker with the certificate of a CA of one's own."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fleet.stream.broker import Broker, BrokerProblem
from tests.fleet.stream.nats_server import NatsServer


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 that has signed itself, and its key; return both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a fleet")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "server.pem", folder / "server.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, private


async def test_a_certificate_of_ones_own_is_trusted_only_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, private = self_signed(tmp_path)
    configuration = tmp_path / "nats-server.conf"
    configuration.write_text(
        f'jetstream {{ store_dir: "{tmp_path / "store"}" }}\ntls {{ cert_file: "{pem}", key_file: "{private}" }}\n'
    )
    nats = NatsServer(tmp_path / "nats", configuration)
    try:
        await nats.start()
        address = nats.address.replace("nats:", "tls:")
        with pytest.raises(BrokerProblem, match=r"cannot be reached .*certificate") as refused:
            await Broker.connect(address, "laptop", None, "test")
        assert "\n" not in str(refused.value)
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        broker = await Broker.connect(address, "laptop", None, "test")
        assert not broker.lost.done()
        await broker.close()
    finally:
        nats.close()
