"""Fuzz every reader and the command line for long, with signals and endless loops counted.

``python tests/fuzz/long_run.py --cases 20000`` prints each fault with the number of its case, which
``--only NUMBER`` runs again, and the counts at the end. It exits with 1 if there was a fault.
"""

import argparse
import collections
import os
import resource
import signal
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.corpus import corpus
from fuzz.damage import damaged, fault_of_reading, fault_of_the_command, place

LONGEST = 300  # seconds until a case that waits for something is ended
MOST_WORK = 30  # seconds of the processor until a case is
MEMORY = 6 << 30
COMMANDS = 8  # every so many cases is given to a command, the others to the readers alone


def run_case(seeds, base, number, folder):
    """Run one case: what it was, and the fault if there was one."""
    random = Random(f"{base}-{number}")  # noqa: S311 - nothing is kept secret
    seed = random.choice(seeds)
    source = place(seed, damaged(seed.content, random), folder)
    if number % COMMANDS == 0:
        return seed.name, fault_of_the_command(source, random)
    return seed.name, fault_of_reading(source)


def work(seeds, base, numbers, pipe, folder):
    """Run cases in a process of its own, which a signal may end; tell of each when it begins."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in numbers:
        os.write(pipe, f"{number}\t".encode())
        signal.alarm(LONGEST)
        signal.setitimer(signal.ITIMER_PROF, MOST_WORK)
        name, fault = run_case(seeds, base, number, folder)
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.write(pipe, f"{name}\t{' '.join((fault or 'ok').split())}\n".encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--only", type=int)
    asked = parser.parse_args()
    seeds = corpus()
    counts = collections.Counter()
    with TemporaryDirectory(prefix="whyloss-fuzz-") as place_of_files:
        folder = Path(place_of_files) / "case"
        if asked.only is not None:
            print(run_case(seeds, asked.seed, asked.only, folder))
            return 0
        number, end = asked.start, asked.start + asked.cases
        while number < end:
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:
                work(seeds, asked.seed, range(number, min(end, number + 500)), writing, folder)
                os._exit(0)
            os.close(writing)
            with os.fdopen(reading, errors="replace") as lines:
                for line in lines:
                    said, _, rest = line.rstrip("\n").partition("\t")
                    name, _, fault = rest.partition("\t")
                    number = int(said) + 1
                    counts["cases"] += 1
                    counts["faults"] += fault != "ok"
                    if fault != "ok":
                        what = f"{name}: {fault}" if rest else "the process was ended"
                        print(f"case {said}: {what}", flush=True)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if code:
                counts["ended by a signal" if code < 0 else "ended"] += 1
                print(f"before case {number}: the process ended with {code}", flush=True)
    print(dict(counts))
    return 1 if counts["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
