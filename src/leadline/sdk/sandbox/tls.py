"""A throwaway certificate authority for one run of one sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from leadline.sdk.errors import MissingExtraError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """`ca_file` is what a client must trust; the other is the server's certificate with its key."""

    ca_file: Path
    server_file: Path


@contextmanager
def throwaway_authority() -> Iterator[TlsFiles]:
    """Make an authority and a certificate for 127.0.0.1 and localhost; gone when the block ends.

    MissingExtraError when `trustme` is not installed.
    """
    try:
        import trustme
    except ImportError as error:
        raise MissingExtraError(
            "TLS for a sandbox needs the package trustme.", fix='Install it with: pip install "leadline[sandbox]"'
        ) from error
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    with TemporaryDirectory(prefix="leadline-sandbox-") as folder:
        files = TlsFiles(Path(folder, "ca.pem"), Path(folder, "server.pem"))
        authority.cert_pem.write_to_path(str(files.ca_file))
        certificate.private_key_and_cert_chain_pem.write_to_path(str(files.server_file))
        yield files
