"""What the suite claims about failures: they are told, in time, as what they are, and without secrets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from leadline.sdk.errors import CredentialsError, LeadlineError, TransientError, WebhookError
from leadline.sdk.records import WebhookCall
from leadline.sdk.testing.claims import claim, some
from leadline.sdk.testing.trouble import TROUBLES, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from leadline.sdk.ports import Connection, Connector
    from leadline.sdk.testing.lab import Lab
    from leadline.sdk.testing.subjects import Subject

_FORGED_HEADERS = ("x-hub-signature", "x-signature", "x-signature-256", "authorization", "x-request-timestamp")


class FailureChecks:
    """Checks of what happens when the system does not answer well. Mixed into `ConnectorSuite`."""

    connector: Connector
    webhook_options: Mapping[str, object]

    def main(self, lab: Lab) -> Subject:
        """The object that most is tried on."""
        raise NotImplementedError

    def skip(self, reason: str) -> None:
        """Leave this check, with a reason."""
        raise NotImplementedError

    def test_check_never_raises(self, lab: Lab) -> None:
        """Whatever the system answers, `check` has findings, one of them bad and with what to do."""
        for trouble in (*TROUBLES, Trouble("a status 401", {"status": 401}), Trouble("a status 403", {"status": 403})):
            lab.fault(trouble)
            connection = lab.connect(timeout=trouble.timeout, attempts=trouble.attempts)
            try:
                findings = connection.check()
            except Exception as error:
                raise AssertionError(f"check() raised {error!r} for {trouble.name}") from error
            finally:
                lab.surface.behave()
            bad = [finding for finding in findings if not finding.ok]
            claim(bool(bad), f"check() finds all well with {trouble.name}")
            claim(any(finding.fix for finding in bad), f"check() does not say what to do about {trouble.name}")

    def test_an_error_is_not_an_empty_answer(self, lab: Lab) -> None:
        """Trouble that does not end ends a read with an error, when it begins at the first call and at later ones."""
        subject = self.main(lab)
        calls = self._calls_of_a_read(lab, subject)
        for trouble in TROUBLES:
            for skip in sorted({0, calls // 2, calls - 1}):
                connection = lab.connect(timeout=trouble.timeout, attempts=trouble.attempts)
                connection.count(lab.request(subject))  # signed in, before things go wrong
                lab.fault(trouble, skip=skip)
                read = partial(_read, lab, connection, subject)
                what = f"a read of {subject.object} that meets {trouble.name} from call {skip + 1} on"
                _claim_raises(read, LeadlineError, what)
                lab.surface.behave()

    def test_errors_say_what_to_do(self, lab: Lab) -> None:
        """500, 503 and a lost reply are to be waited for; a refused sign-in is for a person, and is not tried again."""
        subject = self.main(lab)
        for trouble in (TROUBLES[0], TROUBLES[1], TROUBLES[6]):
            connection = lab.connect(attempts=2)
            lab.fault(trouble)
            _claim_raises(partial(connection.count, lab.request(subject)), TransientError, trouble.name)
            lab.surface.behave()
        connection = lab.connect()
        lab.fault(Trouble("a status 401", {"status": 401}))
        before = len(lab.calls)
        _claim_raises(lambda: connection.count(lab.request(subject)), CredentialsError, "a status 401 for every call")
        _claim_raises(partial(_read, lab, connection, subject), CredentialsError, "a status 401 for every call")
        claim(len(lab.calls) - before <= 6, f"{len(lab.calls) - before} calls were made while sign-in was refused")
        lab.surface.behave()

    def test_trouble_that_passes_is_sat_out(self, lab: Lab) -> None:
        """One call in five goes wrong in every way: a read is complete all the same."""
        subject = self.main(lab)
        for number, trouble in enumerate(TROUBLES):
            if trouble.lasts or trouble.rule.get("status") is None:
                continue
            connection = lab.connect(attempts=8)
            lab.fault(trouble, probability=0.2, seed=number)
            copy = lab.read(connection, subject)
            lab.surface.behave()
            lost = set(lab.surface.truth(subject.object).living) - copy.living
            claim(not lost, f"a read through {trouble.name} now and then lost {len(lost)} records: {some(lost)}")

    def test_the_deadline_of_a_call_is_kept(self, lab: Lab) -> None:
        """An answer that drips on beyond the deadline is given up, although each piece of it comes in time."""
        subject = self.main(lab)
        connection = lab.connect(timeout=TROUBLES[-1].timeout, attempts=1)
        connection.count(lab.request(subject))
        lab.fault(TROUBLES[-1])
        _claim_raises(lambda: connection.count(lab.request(subject)), TransientError, TROUBLES[-1].name)
        lab.surface.behave()

    def test_secrets_are_not_shown(self, lab: Lab) -> None:
        """Not by errors, findings or representations, not even when the vendor repeats them."""
        subject = self.main(lab)
        secrets = {name: str(lab.options[name]) for name in self._secret_options() & set(lab.options)}
        claim(bool(secrets), "none of the options that the sandbox is signed in with is a SecretStr")
        connection = lab.connect(attempts=1)
        for said in self._everything_said(lab, connection, subject, secrets):
            shown = [name for name, secret in secrets.items() if secret in said]
            claim(not shown, f"{some(shown)} is shown in: {said[:200]}")

    def test_forged_webhooks_are_refused(self, lab: Lab) -> None:
        """A request without a proof, or with one that somebody made up, is a WebhookError."""
        options = {**lab.options, **lab.told.get("webhook_options", {}), **self.webhook_options}
        reader = self.connector.webhooks(options, lab.runtime())
        if reader is None:
            self.skip("the connector reads no webhooks, or is not given a secret for them (webhook_options)")
            return
        names = (*_FORGED_HEADERS, *lab.told.get("webhook_headers", ()))
        forged = dict.fromkeys(names, "1" * 64)
        in_time = {name: str(lab.now * 1_000) if "time" in name else "1" * 64 for name in names}
        for headers in ({}, forged, in_time, *({name: ""} for name in names)):
            for body in (b"", b"{}", b"[]", b'[{"objectId": 1}]', b"\xff"):
                call = WebhookCall("POST", "https://leadline.example/webhooks/suite", headers, body, lab.now)
                _claim_raises(partial(reader.read, call), WebhookError, f"a webhook with headers {headers}")

    # --- tools

    def _calls_of_a_read(self, lab: Lab, subject: Subject) -> int:
        connection = lab.connect()
        connection.count(lab.request(subject))
        before = len(lab.calls)
        lab.read(connection, subject)
        return len(lab.calls) - before

    def _secret_options(self) -> set[str]:
        fields = self.connector.options.model_fields
        return {name for name, field in fields.items() if "SecretStr" in repr(field.annotation)}

    def _everything_said(
        self, lab: Lab, connection: Connection, subject: Subject, secrets: Mapping[str, str]
    ) -> Iterator[str]:
        yield repr(self.connector)
        yield repr(connection)
        yield repr(vars(connection)) if hasattr(connection, "__dict__") else ""
        wrong = {name: f"wrong-{name}-0123456789" for name in secrets}
        secrets = dict(secrets)
        echo = " ".join(f"Bearer {each}, access_token={each}, client_secret={each}" for each in secrets.values())
        for rule in (
            {"status": 500},
            {"status": 401},
            {"status": 400},
            {"status": 400, "body": f'{{"message":"{echo}"}}'},
        ):
            lab.fault(Trouble("", rule))
            yield from _said(lambda: connection.count(lab.request(subject)))
            yield from _said(connection.check)
            lab.surface.behave()
        yield from _said(lambda: lab.connect(attempts=1, options=wrong).count(lab.request(subject)))
        yield from _said(lambda: self.connector.connect({**lab.options, "no_such_option": 1}, lab.runtime()))
        yield from (str(SecretStr(secret)) for secret in secrets.values())


def _read(lab: Lab, connection: Connection, subject: Subject) -> None:
    for _ in lab.pages(connection, subject):
        pass


def _said(act: Callable[[], object]) -> Iterator[str]:
    """Whatever a verb tells: its answer, or its error."""
    try:
        yield repr(act())
    except LeadlineError as error:
        yield str(error)
        yield repr(error)


def _claim_raises(act: Callable[[], object], kind: type[LeadlineError], what: str) -> None:
    try:
        act()
    except kind:
        return
    except Exception as error:
        raise AssertionError(f"{what} must raise {kind.__name__}, and raised {error!r}") from error
    claim(False, f"{what} must raise {kind.__name__}, and raised nothing")
