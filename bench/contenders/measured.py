"""What every contender does around its work: hear the order, say ready, work when told, tell what it took.

The standard library only, because each contender runs in an environment of its own. CPU is the whole
process's, in user and kernel mode, threads included (`getrusage`).
"""

import json
import resource
import sys
import time


def cpu():
    """Seconds of CPU that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(prepare):
    """`prepare(order)` imports, signs in and gives the work; `work()` does it and gives what it says of it."""
    order = json.loads(sys.stdin.readline())
    # Some clients print on stdout: it is kept for the two lines that are ours.
    lines, sys.stdout = sys.stdout, sys.stderr
    work = prepare(order)
    before = cpu()
    print("ready", file=lines, flush=True)
    sys.stdin.readline()
    started, began = cpu(), time.monotonic()
    said = work()
    told = {"cpu": cpu() - started, "seconds": time.monotonic() - began, "start_cpu": before, **said}
    print(json.dumps(told), file=lines, flush=True)
