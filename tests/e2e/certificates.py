"""A certification authority of the tests' own, and what it signs: certificates of servers by address, of clients by the name of their role."""

import datetime
import ipaddress
import os
import pathlib
import shutil

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._builder(self.name, self.key, 10 * DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(self.key, hashes.SHA256())  # fmt: skip
        self.root = self.folder / f"{name}.crt"
        self.root.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, common_name, file_name, addresses=(), lasting=DAY, owner=None):
        """Two files, of the certificate and of its key, which belongs to `owner`. Negative `lasting`: it has expired so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = self._builder(name, key, lasting)
        if addresses:
            alternatives = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        certificate, key_file = self.folder / f"{file_name}.crt", self.folder / f"{file_name}.key"
        certificate.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))  # fmt: skip
        key_file.chmod(0o600)
        if owner is not None and os.geteuid() == 0:
            shutil.chown(certificate, owner, owner)
            shutil.chown(key_file, owner, owner)
        return certificate, key_file

    def _builder(self, subject, key, lasting):
        now = datetime.datetime.utcnow()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + min(lasting, datetime.timedelta()) - DAY)
            .not_valid_after(now + lasting)
        )
