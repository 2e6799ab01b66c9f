"""Tries the mutants that the lists beside this file describe. scripts/mutants.sh starts it and explains its arguments."""
import fcntl
import json
import math
import os
import queue
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

from entries import AREAS, EntryError, read_entries

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
WORK = os.path.join(ROOT, "build", "mutants")
# A test that takes this much longer than without a fault hangs: so many times, and so many seconds on top.
HANG_TIMES = 6
HANG_SECONDS = 15
# What cmocka and the scripts print for a failed case. The rest of a test need not be run then.
FAILURE = re.compile(rb"^\[  FAILED  \]|^FAIL\b|^not ok\b", re.MULTILINE)
SKIPPED = 77

stopping = threading.Event()
printing = threading.Lock()


def say(text):
    with printing:
        print(text, flush=True)


class WorkError(Exception):
    """Something that keeps mutants from being tried at all."""


def stop_group(process):
    """End a test and all that it has started, giving scripts the time to clean up."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass


def program_of(name):
    """The test without its case: "test_aead/test_tampering" is a case of test_aead."""
    return name.partition("/")[0]


def run_test(test, name, seconds, log):
    """Run one test, or a case of it, as meson does. Returns "passed", "failed", "skipped", "hung" or "absent"."""
    case = name.partition("/")[2]
    with open(log, "wb") as output:
        process = subprocess.Popen(test["cmd"], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   env={**os.environ, "MALLOC_PERTURB_": "85", **test["env"],
                                        **({"TEST_FILTER": case} if case else {})},
                                   cwd=test["workdir"] or test["build"], start_new_session=True)
    try:
        deadline = time.monotonic() + seconds
        delay = 0.005
        while process.poll() is None:
            if time.monotonic() > deadline or stopping.is_set():
                return "hung"
            # A failed case decides; the log is short.
            with open(log, "rb") as output:
                if FAILURE.search(output.read()):
                    return "failed"
            time.sleep(delay)
            delay = min(delay * 1.5, 0.2)
    finally:
        stop_group(process)
    if process.returncode == SKIPPED:
        return "skipped"
    with open(log, "rb") as output:
        if case and b"[ RUN      ]" not in output.read():
            return "absent"
    return "passed" if process.returncode == 0 else "failed"


def tree_files():
    """Return the paths of the files of the tree, committed or not, relative to ROOT."""
    try:
        listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        names = os.fsdecode(listed.stdout).split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = []
        for folder, folders, files in os.walk(ROOT):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in
                          (os.path.join(ROOT, "build"), os.path.join(ROOT, ".git"))]
            names += [os.path.relpath(os.path.join(folder, name), ROOT) for name in files]
    return [name for name in names if name and os.path.isfile(os.path.join(ROOT, name))]


class Copy:
    """A copy of the tree with a build of it, in which one mutant at a time is tried."""

    def __init__(self, number):
        self.folder = os.path.join(WORK, str(number))
        self.tree = os.path.join(self.folder, "tree")
        self.build = os.path.join(self.folder, "build")
        self.log = os.path.join(self.folder, "log")
        self.tests = {}
        self.seconds = {}
        self.environment = {**os.environ, "LC_ALL": "C", "CCACHE_BASEDIR": self.folder, "CCACHE_NOHASHDIR": "1"}

    def synchronize(self):
        """Make the copy equal to the tree. Files that are equal keep their time, so that little is built again."""
        wanted = set(tree_files())
        for folder, _, files in os.walk(self.tree):
            for name in files:
                path = os.path.join(folder, name)
                if os.path.relpath(path, self.tree) not in wanted:
                    os.remove(path)
        for name in sorted(wanted):
            source, target = os.path.join(ROOT, name), os.path.join(self.tree, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(source, "rb") as file:
                data = file.read()
            if os.path.isfile(target) and not os.path.islink(target):
                with open(target, "rb") as file:
                    if file.read() == data:
                        continue
            shutil.copyfile(source, target)
            shutil.copymode(source, target)

    def command(self, words):
        """Run a command of the build. Returns whether it succeeded; its output is in the log."""
        with open(self.log, "wb") as output:
            return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                  env=self.environment, check=False).returncode == 0

    def log_end(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-30:])

    def configure(self):
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            if "CC" not in os.environ and shutil.which("ccache"):
                self.environment["CC"] = "ccache gcc"
            # Some optimisation, for McEliece is slow without. No warning counts: faults leave things unused.
            if not self.command(["meson", "setup", self.build, self.tree, "-Dtests=enabled", "-Dbuildtype=plain",
                                 "-Doptimization=1", "-Ddebug=false"]):
                raise WorkError(f"meson setup failed:\n{self.log_end()}")
        if not self.command(["ninja", "-C", self.build, "build.ninja"]):
            raise WorkError(f"ninja failed:\n{self.log_end()}")
        targets = {}
        for target in self.introspect("--targets"):
            targets[target["id"]] = target["filename"]
        for test in self.introspect("--tests"):
            test["files"] = [os.path.relpath(path, self.build) for name in test.get("depends", [])
                             for path in targets.get(name, [])]
            test["build"] = self.build
            self.tests[test["name"]] = test

    def introspect(self, what):
        done = subprocess.run(["meson", "introspect", what, self.build], check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def make(self, names):
        files = sorted({path for name in names for path in self.tests[program_of(name)]["files"]})
        return not files or self.command(["nice", "-n", "10", "ninja", "-j2", "-C", self.build, *files])

    def prepare(self, names):
        """Build the named tests without a fault, and see them pass."""
        self.synchronize()
        self.configure()
        unknown = [name for name in names if program_of(name) not in self.tests]
        if unknown:
            raise WorkError("there is no test " + ", ".join(unknown))
        if not self.make(names):
            raise WorkError(f"the tree does not build:\n{self.log_end()}")

    def measure(self, names):
        for name in names:
            start = time.monotonic()
            outcome = run_test(self.tests[program_of(name)], name, 300, self.log)
            if outcome == "absent":
                raise WorkError(f"there is no case {name}")
            if outcome == "skipped":
                say(f"skipped: {name} cannot run here")
            elif outcome != "passed":
                raise WorkError(f"{name} {outcome} without any fault:\n{self.log_end()}")
            self.seconds[name] = None if outcome == "skipped" else time.monotonic() - start

    def others(self, names):
        """Return the unit tests that are not named and notice the mutant that is in place."""
        found = []
        for name, test in sorted(self.tests.items()):
            if name in names or not any(suite.endswith(":unit") for suite in test["suite"]) or not self.make([name]):
                continue
            if run_test(test, name, 60, self.log) in ("failed", "hung"):
                found.append(name)
        return found

    def try_entry(self, entry, with_others):
        """Apply a mutant, run its tests and take it back. Returns the outcome and what was decisive."""
        path = os.path.join(self.tree, entry.file)
        with open(path, encoding="utf-8") as file:
            original = file.read()
        names = [name for name in entry.tests if self.seconds[name] is not None]
        if not names:
            return "skipped", "its tests cannot run here"
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(entry.apply(original))
            if not self.make(names):
                return "error", "does not build:\n" + self.log_end()
            for name in names:
                outcome = run_test(self.tests[program_of(name)], name, self.seconds[name] * HANG_TIMES + HANG_SECONDS, self.log)
                if outcome == "failed" or (outcome == "hung" and entry.hangs):
                    return "noticed", name if outcome == "failed" else f"{name} hangs"
                if outcome == "hung":
                    return "error", f"{name} hangs, but the entry does not say so"
            if with_others:
                return "survived", f"{', '.join(names)} passed; others that fail: {' '.join(self.others(names)) or 'none'}"
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(original)
        return "survived", ", ".join(names) + " passed"


def changed_files(base):
    """Return the paths that differ from a commit, by default from where this branch left main. None without history."""
    def git(*words):
        return subprocess.run(["git", "-c", "safe.directory=*", "-C", ROOT, *words], check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout.strip()

    try:
        if base is None:
            head = git("rev-parse", "HEAD")
            for main in ("main", "origin/main", "HEAD~"):
                try:
                    base = git("merge-base", "HEAD", main)
                except subprocess.CalledProcessError:
                    continue
                if base != head:
                    break
            else:
                return None
        listed = git("diff", "--name-only", base) + "\n" + git("ls-files", "--others", "--exclude-standard")
        return set(listed.split("\n"))
    except (OSError, subprocess.CalledProcessError):
        return None


def select(entries, words, base):
    chosen = []
    changed = changed_files(base) if "changed" in words else set()
    if changed is None:
        say("there is no earlier commit to compare with: no mutant counts as changed")
        changed = set()
    for entry in entries:
        tests = {f"tests/unit/{program_of(name)}.c" for name in entry.tests}
        for word in words:
            if (word == "all" or word == entry.area or (word == "changed" and (tests | {entry.file}) & changed) or
                    (word not in (*AREAS, "changed") and entry.mentions(word))):
                chosen.append(entry)
                break
    return chosen


def spread(entries, limit):
    if limit is None or len(entries) <= limit:
        return entries
    say(f"{limit} of {len(entries)} mutants are tried")
    return [entries[number * len(entries) // limit] for number in range(limit)]


def work_through(copies, entries, results, options):
    """Try the entries, in every copy at the same time, until all are tried or the time is over."""
    waiting = queue.Queue()
    end = time.monotonic() + 60 * options["minutes"] if options["minutes"] else math.inf
    for entry in entries:
        waiting.put(entry)

    def work(copy):
        while not stopping.is_set() and time.monotonic() < end:
            try:
                entry = waiting.get_nowait()
            except queue.Empty:
                return
            start = time.monotonic()
            try:
                outcome, reason = copy.try_entry(entry, options["others"])
            except Exception as error:  # pylint: disable=broad-except
                outcome, reason = "error", repr(error)
            if entry.unnoticed:
                outcome = {"noticed": "noticeable", "survived": "listed"}.get(outcome, outcome)
            if not stopping.is_set():
                results.append((entry, outcome))
                say(f"{outcome:9} {entry.file[4:]:32} {entry.title} ({reason}, {time.monotonic() - start:.1f} s)")

    threads = [threading.Thread(target=work, args=(copy,)) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not waiting.empty():
        say(f"after {options['minutes']} minutes {waiting.qsize()} mutants are left untried")


def report(results):
    """Print a table by area, and what was not as it should be. Returns whether all was."""
    good = True
    say(f"\n{'area':10} {'mutants':>8} {'noticed':>8} {'not':>5} {'listed as unnoticeable':>23} {'skipped':>8} {'errors':>7}")
    for area in [*AREAS, "all"]:
        outcomes = [outcome for entry, outcome in results if area in (entry.area, "all")]
        if outcomes:
            count = outcomes.count
            say(f"{area:10} {len(outcomes):8} {count('noticed'):8} {count('survived'):5} {count('listed'):23} "
                f"{count('skipped'):8} {count('error') + count('noticeable'):7}")
    for entry, outcome in results:
        if outcome == "survived":
            say(f"{entry.place}: no test noticed: {entry.title}")
        elif outcome == "noticeable":
            say(f"{entry.place}: a test does notice: {entry.title}")
        elif outcome == "error":
            say(f"{entry.place}: could not be tried: {entry.title}")
        else:
            continue
        good = False
    return good


def try_all(entries, options):
    """Try the entries, in as many copies as there are jobs. Returns whether each had the outcome that it should have."""
    names = sorted({name for entry in entries for name in entry.tests})
    os.makedirs(WORK, exist_ok=True)
    # Held to the end of the process.
    lock = open(os.path.join(WORK, "lock"), "w", encoding="ascii")  # pylint: disable=consider-using-with
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise WorkError("build/mutants is in use by another run") from None
    copies = [Copy(number + 1) for number in range(min(options["jobs"], len(entries)))]
    for copy in copies:
        os.makedirs(copy.tree, exist_ok=True)
        copy.prepare(names)
    copies[0].measure(names)
    for copy in copies[1:]:
        copy.seconds = copies[0].seconds
    say(f"{len(entries)} mutants, {len(names)} tests, which pass without a fault")
    results = []
    work_through(copies, entries, results, options)
    return report(results) and not stopping.is_set()


def arguments():
    words, options = [], {"jobs": 2, "limit": None, "minutes": None, "base": None, "others": False}
    for word in sys.argv[1:]:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            words.append(word)
        elif word == "--others":
            options["others"] = True
        elif equals and name == "base":
            options[name] = value
        elif name in ("jobs", "limit", "minutes") and value.isdecimal() and int(value) > 0:
            options[name] = int(value)
        else:
            sys.exit(f"scripts/mutants.sh: unknown option {shlex.quote(word)}; --help explains all")
    return words, options


def main():
    words, options = arguments()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    if words == ["changed"] and changed_files(options["base"]) is None:
        say("skipped: there is no earlier commit to compare with, so that nothing counts as changed")
        return SKIPPED
    try:
        entries = read_entries(ROOT)
        if words == ["check"]:
            say(f"{len(entries)} mutants, each found once")
            return 0
        chosen = select(entries, words, options["base"])
        if not chosen:
            if words == ["changed"]:
                say("no mutant concerns what was changed")
                return 0
            sys.exit(f"scripts/mutants.sh: no mutant is called {' '.join(words)}")
        return 0 if try_all(spread(chosen, options["limit"]), options) else 1
    except (EntryError, WorkError) as error:
        sys.exit(f"scripts/mutants.sh: {error}")


sys.exit(main())
