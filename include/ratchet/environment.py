"""The environments of processes: each is given what its lists name, and nothing else that happens to be there.

So no secret of one part reaches another, and no variable that a person has set for another program steers this one.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping

# Names, or the beginnings of names (with a *).
SYSTEM = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR"),
    *("LD_LIBRARY_PATH", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"),
)
HARDWARE = ("CUDA_*", "NVIDIA_*", "NCCL_*", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
CLOUDS = ("AWS_*", "GOOGLE_*", "AZURE_*")
SSH = ("SSH_AUTH_SOCK",)
OURS = ("RATCHET_*",)  # those of a loop's source among them: RATCHET_SOURCE_*
OWN = (  # what Ratchet itself reads of them
    *("RATCHET_HOME", "RATCHET_VAR", "RATCHET_LOOPS", "RATCHET_SUITES", "RATCHET_DAGS", "RATCHET_FORK_SERVER"),
    *("RATCHET_AIRFLOW_PORT", "RATCHET_AIRFLOW_USERS", "RATCHET_MLFLOW_PORT"),
    *("RATCHET_REGISTRY", "RATCHET_REMOTE", "RATCHET_GIT_REMOTE"),
    *("RATCHET_GIT_TOKEN", "RATCHET_GIT_SSH_KEY", "RATCHET_GIT_CA"),
)
TRACKING = (
    *("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"),
    *("MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_CLIENT_CERT_PATH"),
    *("MLFLOW_S3_ENDPOINT_URL", "MLFLOW_HTTP_REQUEST_*"),
)
AIRFLOW = ("AIRFLOW_CONN_*", "AIRFLOW_VAR_*")  # of the installation's own connections and variables: Airflow's alone
SOURCE = "RATCHET_SOURCE_"  # how the name of a variable begins that a contract may name

INSTEAD = {  # another program's variable -> the one that steers the same here
    "AIRFLOW_HOME": "RATCHET_VAR",
    "AIRFLOW__API__PORT": "RATCHET_AIRFLOW_PORT",
    "AIRFLOW__CORE__DAGS_FOLDER": "RATCHET_DAGS",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "RATCHET_AIRFLOW_USERS",
    "GIT_SSH_COMMAND": "RATCHET_GIT_SSH_KEY",
    "GIT_SSL_CAINFO": "RATCHET_GIT_CA",
    "MLFLOW_PORT": "RATCHET_MLFLOW_PORT",
    "MLFLOW_REGISTRY_URI": "MLFLOW_TRACKING_URI",
}

_GIVEN = (*SYSTEM, *HARDWARE, *PROXIES, *CERTIFICATES, *CLOUDS, *SSH, *OURS, *TRACKING)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_QUIET = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_STEERING = (
    "AIRFLOW",
    "_AIRFLOW",
    "MLFLOW_",
    "DVC_",
    "GIT_",
    "GX_",
    "PYTHON",
    "VIRTUAL_ENV",
    "CONDA_",
    "LD_",
    "SQLALCHEMY_",
)


def of_step() -> dict[str, str]:
    """Return what a step is given: nothing of Airflow's."""
    return {**of_service(), **pick("PYTHONPATH"), "PYTHONUNBUFFERED": "1"}


def of_service() -> dict[str, str]:
    """Return what a service of an installation begins with; what makes it the installation's is added."""
    return with_loopback({**pick(*_GIVEN), **_QUIET})


def pick(*names: str) -> dict[str, str]:
    """Return the variables that lists name, those that are set; and who the user is, set or not."""
    exact = {name for name in names if not name.endswith("*")}
    beginnings = tuple(name[:-1] for name in names if name.endswith("*"))
    found = {
        name: value
        for name, value in os.environ.items()
        if name in exact or (beginnings and name.startswith(beginnings))
    }
    return {**found, "USER": os.environ.get("USER") or user()} if "USER" in exact else found


def with_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Add this machine to what is reached without a proxy; what was there stays."""
    before = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [host.strip() for host in before.split(",") if host.strip()]
    listed = ",".join([*hosts, *(host for host in _LOOPBACK if host not in hosts)])
    return {**environment, "NO_PROXY": listed, "no_proxy": listed}


def taken_out() -> list[str]:
    """List the variables that would steer what Ratchet starts, and are given to none of it."""
    known = pick(*_GIVEN, *AIRFLOW, "PYTHONPATH") | _QUIET
    return sorted(name for name in os.environ if name.startswith(_STEERING) and name not in known)


def misspelt() -> dict[str, str]:
    """Return the variables that begin as Ratchet's do and are none of them, each with the nearest that is, or none."""
    prefix = OURS[0][:-1]
    words = [name.removeprefix(prefix) for name in OWN]
    found = {}
    for name in sorted(os.environ):
        if name.startswith(prefix) and name not in OWN and not name.startswith(SOURCE):
            near = difflib.get_close_matches(name.removeprefix(prefix), words, n=1)
            found[name] = f"{prefix}{near[0]}" if near else ""
    return found


def user() -> str:
    """Return who runs this process, as the system knows; a variable can claim anything."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container whose user has no entry
        return f"uid{os.getuid()}"
