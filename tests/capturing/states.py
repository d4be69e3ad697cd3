"""The states in which each tracer runs: what the Agent does, and which settings the program gets."""

from dataclasses import dataclass, field

from agent import Agent, ClosedPort


@dataclass(frozen=True)
class State:
    name: str
    what: str
    # Answers for traces and for other requests; None: nothing listens.
    answers: tuple | None = (200, 200)
    # Settings; {port} is the Agent's. An address of None leaves the setting out.
    url: str | None = "http://127.0.0.1:{port}"
    settings: dict = field(default_factory=dict)
    # How long the program stays after its last span: "short", "retries" or "timeouts".
    stay: str = "short"
    # The one language that runs this state; None: all.
    only: str | None = None

    def agent(self):
        return Agent(*self.answers) if self.answers else ClosedPort()


NO_RATE = {"DD_TRACE_SAMPLING_RULES": '[{"sample_rate":0}]'}
TO_FILE = {"DD_TRACE_LOG_FILE": "{file}"}

ALL = [
    State("well", "all is well"),
    State("down", "nothing listens", answers=None, stay="retries"),
    State("401", "a proxy answers 401 to everything", answers=(401, 401)),
    State("413", "traces are answered 413", answers=(413, 200)),
    State("429", "traces are answered 429", answers=(429, 200)),
    State("500", "traces are answered 500", answers=(500, 200)),
    State("404", "everything is answered 404", answers=(404, 404)),
    State("silent", "requests get no answer", answers=("silent", "silent"), stay="timeouts"),
    State("closing", "connections are closed without an answer", answers=("closing", "closing"), stay="retries"),
    State("unknown-host", "the host name has no address", url="http://agent.invalid:8126", stay="retries"),
    State("no-socket", "the socket does not exist", url="unix:///var/run/datadog/apm.socket", stay="retries"),
    State("disabled", "DD_TRACE_ENABLED=false", settings={"DD_TRACE_ENABLED": "false"}),
    State("bad-url", "the scheme of DD_TRACE_AGENT_URL is not known", url="htp://127.0.0.1:{port}"),
    State("rate-0", "a sampling rule rejects every trace", settings=NO_RATE),
    State("well-file", "all is well; the log file", settings=TO_FILE, only="Python"),
    State("413-file", "traces are answered 413; the log file", answers=(413, 200), settings=TO_FILE, only="Python"),
]
