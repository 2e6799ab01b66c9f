"""Runs the commands and validates the configurations of the documents; run.sh starts it and explains it."""
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import config
import extract

LIMIT_SECONDS = 60
START_SECONDS = 30
PROGRAMS = ("rosenpass", "rp")
# Commands of the system that are run as they are, in the directory of the host.
PLAIN = ("cp", "mkdir", "chmod", "cmp", "rm", "cat")
# Commands for a daemon that runs.
ASKING = ("status", "metrics", "reload", "peer")
# Words in capitals or brackets make a line a summary of a command, of which the words are checked.
SUMMARY = re.compile(r"\[[a-zA-Z-]|\b[a-z]+\|[a-z]|(?:^|[\s/@=\"'])[A-Z][A-Z_-]+(?:[.\s/\"']|$)")
# What a fence says to be neither commands nor a configuration.
NEITHER = ("text", "c", "json")
NOT_ALLOWED = "not allowed; start as root or with CAP_NET_ADMIN"


class Problem(Exception):
    def __init__(self, text):
        super().__init__(text if len(text) < 1000 else text[:1000] + " ...")


class Mark:
    """A line of marks.txt: an example that is not run, and why."""

    def __init__(self, place, path, kind, pattern, reason):
        self.place = place
        self.path = path
        self.kind = kind
        self.pattern = re.compile(pattern)
        self.reason = reason
        self.used = False


def read_marks(path):
    marks = []
    with open(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not line.startswith("#"):
                parts = [part.strip() for part in line.rstrip("\n").split("\t") if part.strip()]
                if len(parts) != 4 or parts[1] not in ("file", "block", "line"):
                    raise Problem(f"{path}:{number}: expected FILE, file|block|line, PATTERN and REASON, tabs between them")
                marks.append(Mark(f"{os.path.basename(path)}:{number}", *parts))
    return marks


class Keys:
    """Key pairs that all configurations share; making one takes a while."""

    def __init__(self, programs, work):
        self.work = work
        self.programs = programs
        for number in range(4):
            self.make([programs["rosenpass"], "gen-keys", "-p", f"{work}/{number}.public", "-s", f"{work}/{number}.secret"])
            self.make([programs["rp"], "genkey", f"{work}/{number}.rp"])
            self.make([programs["rp"], "pubkey", f"{work}/{number}.rp", f"{work}/{number}.pub"])

    @staticmethod
    def make(words):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def public(self, peer):
        return f"{self.work}/{peer}.public"

    def secret(self):
        return f"{self.work}/0.secret"

    def link_directory(self, is_own, peer, path):
        source = f"{self.work}/0.rp" if is_own else f"{self.work}/{peer}.pub"
        os.makedirs(path, mode=0o700, exist_ok=True)
        for name in os.listdir(source):
            if not os.path.lexists(f"{path}/{name}"):
                shutil.copy2(f"{source}/{name}", f"{path}/{name}")


class Host:
    """A machine of a document: its own directory, /etc and /run, and the daemons that run there."""

    def __init__(self, work, name):
        self.name = name
        self.root = os.path.join(work, name or "host")
        self.directory = f"{self.root}/here"
        self.home = f"{self.root}/home"
        self.daemon = None
        for path in (self.directory, self.home, f"{self.root}/etc/rosenpass", f"{self.root}/run/service",
                     f"{self.root}/var/service", f"{self.root}/credentials", f"{self.root}/sockets"):
            os.makedirs(path, exist_ok=True)
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": self.home, "LC_ALL": "C", "STATE_DIRECTORY": f"{self.root}/var/service",
            "RUNTIME_DIRECTORY": f"{self.root}/sockets", "CREDENTIALS_DIRECTORY": f"{self.root}/credentials",
        }


class Document:
    """Follows one document from its beginning to its end."""

    def __init__(self, path, text, setting):
        self.path = path
        self.text = text
        self.setting = setting
        self.work = os.path.join(setting.work, re.sub(r"\W", "-", path))
        self.hosts = {}
        self.configurations = {}
        self.counts = {"run": 0, "validated": 0, "compared with the help": 0, "marked": 0}
        self.problems = []

    def host(self, name):
        if name not in self.hosts:
            self.hosts[name] = Host(self.work, name)
        return self.hosts[name]

    def marked(self, kind, text):
        for mark in self.setting.marks:
            if mark.kind == kind and mark.path in (self.path, "*") and mark.pattern.search(text):
                mark.used = True
                self.counts["marked"] += 1
                return True
        return False

    def attempt(self, where, text, action, *words):
        try:
            action(*words)
        except Problem as problem:
            self.problems.append(f"{where}: {text.strip()}\n    {problem}")

    def follow(self):
        section = None
        for block in extract.blocks(self.path, self.text):
            if self.marked("file", self.path):
                continue
            if block.section != section:
                self.leave_section()
            section = block.section
            self.attempt(block.where(), block.lines[0] if block.lines else "", self.take_block, block)
        for line, code in extract.inline_code(self.path, self.text):
            if code.split(" ")[0] in PROGRAMS and " " in code and not self.marked("line", code):
                self.attempt(f"{self.path}:{line}", code, self.check_summary, code)
            if "@" in code:
                self.attempt(f"{self.path}:{line}", code, self.check_units, code)
        self.leave_section()

    def leave_section(self):
        """Each section has machines of its own."""
        for host in self.hosts.values():
            self.stop(host)
        if os.path.exists(self.work):
            shutil.rmtree(self.work)
        self.hosts = {}

    def take_block(self, block):
        text = block.text()
        if block.language in NEITHER or self.marked("block", text):
            return
        if block.language == "toml" or config.is_config(text):
            self.take_config(block)
            return
        if block.language not in ("", "sh", "console", "shell", "bash"):
            raise Problem(f"a block of {block.language}, which is neither tested nor marked in marks.txt")
        found = extract.commands(block)
        if not found:
            raise Problem("neither a command nor a configuration; mark it in marks.txt")
        for command in found:
            self.attempt(command.where, command.text, self.take_command, command)

    # --- configurations -----------------------------------------------------------------------

    def take_config(self, block):
        program = config.program_of(block.text())
        host = self.host("config")
        path = f"{host.root}/{block.line}.toml"
        config.Maker(host, self.setting.keys).write(block.text(), program, path)
        self.expect_success(host, [self.setting.programs[program], "validate", path])
        self.configurations[program] = block.text()
        self.counts["validated"] += 1

    # --- commands -----------------------------------------------------------------------------

    def take_command(self, command):
        if self.marked("line", command.text):
            return
        # Text after several spaces, or after "#", explains the command. Of several commands the first one is taken.
        text, *explanation = re.split(r"\s{2,}|\s+#\s|;\s|\s\|\s|\s&&\s", command.text)
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise Problem(str(error)) from error
        while words and words[0] == "sudo":
            del words[0]
        if words[0] in PROGRAMS and SUMMARY.search(text):
            self.check_summary(text)
        elif words[0] in PROGRAMS and words[1] in ASKING:
            self.ask(self.host(command.host), words, text)
        elif words[0] in PROGRAMS:
            self.run_program(self.host(command.host), words)
            if words[1] == "gen-config" and re.search(r"\bedit", " ".join(explanation)):
                self.edit(self.host(command.host), self.adapt(self.host(command.host), words)[-1])
        elif words[0] == "systemctl":
            self.check_systemctl(words)
        elif words[0] == "vi":
            self.edit(self.host(command.host), self.adapt(self.host(command.host), words)[1])
        elif words[0] in PLAIN and SUMMARY.search(text):
            self.counts["compared with the help"] += 1
        elif words[0] in PLAIN:
            host = self.host(command.host)
            self.fetch(host, words)
            self.expect_success(host, self.adapt(host, words))
            self.counts["run"] += 1
        elif "/" in words[0] and os.access(os.path.join(self.setting.source, words[0]), os.X_OK):
            self.counts["compared with the help"] += 1
        else:
            raise Problem(f"{words[0]} is neither tested nor marked in marks.txt")

    def check_summary(self, text):
        """The command, its verb and its options are those of the help."""
        words = re.split(r"[\s\[\]|=]+", text.split("  ")[0].replace("...", " "))
        program = words[0]
        rest = [word.rstrip(".,;:)") for word in words[1:] if word]
        names = self.setting.commands[program]
        options = {word for word in rest if word.startswith("-")}
        verb = next((word for word in rest if not word.startswith("-") and word != "verbose"), None)
        if verb is not None and re.match(r"^[a-z]", verb) and verb not in names:
            raise Problem(f"{program} has no command {verb}")
        known = self.setting.options[program][None] | self.setting.options[program].get(verb, set())
        if verb is None:
            known = set().union(*self.setting.options[program].values())
        for option in sorted(options):
            if option != "-" and option not in known:
                raise Problem(f"{program} {verb or ''} has no option {option}")
        self.counts["compared with the help"] += 1

    def ask(self, host, words, text):
        """Asks the daemon of this host, or of another one if the document does not say which; if none runs, checks."""
        if host.daemon is None:
            host = next((other for other in self.hosts.values() if other.daemon is not None), host)
        if host.daemon is None or words[0] == "rp" or "--watch" in words:
            self.check_summary(text)
        else:
            self.run_program(host, words)

    def check_systemctl(self, words):
        self.check_units(" ".join(words))
        self.counts["compared with the help"] += 1

    def check_units(self, text):
        for unit in re.findall(r"\b((?:rosenpass|rp)[a-z-]*)@", text):
            if unit not in self.setting.units:
                raise Problem(f"packaging/systemd has no unit {unit}@.service")

    @staticmethod
    def adapt(host, words):
        adapted = []
        for word in words:
            word = re.sub(r"(^|[=\"'])/(etc|run|var|usr)/", lambda match: f"{match.group(1)}{host.root}/{match.group(2)}/", word)
            adapted.append(re.sub(r"\b(?:[a-z0-9-]+\.)+example\.(?:org|com|net)\b|\b192\.0\.2\.\d+\b", "127.0.0.1", word))
        return adapted

    def fetch(self, host, words):
        """Copies public keys from the host that made them, as a document says in words only, or takes others."""
        wants_directory = words[0] == "rp" or "-r" in words
        for word in words:
            name = word.split("=")[-1]
            wanted = os.path.join(host.directory, name)
            if not re.match(r"^[\w.-]+$", name) or os.path.lexists(wanted) or "public" not in name:
                continue
            made = [path for path in (os.path.join(other.directory, name) for other in self.hosts.values())
                    if os.path.exists(path) and os.path.isdir(path) == wants_directory]
            if made and wants_directory:
                shutil.copytree(made[0], wanted)
            elif made:
                shutil.copy2(made[0], wanted)
            elif name not in ("public-key", "--public-key") and wants_directory:
                self.setting.keys.link_directory(False, 3, wanted)
            elif name not in ("public-key", "--public-key"):
                shutil.copy2(self.setting.keys.public(3), wanted)

    def run_program(self, host, words):
        command = next((word for word in words[1:] if not word.startswith("-") and word != "verbose"), "")
        if command not in ("gen-keys", "genkey", "pubkey"):
            self.fetch(host, words)
        if words[:2] == ["rp", "exchange"]:
            own = next(word for word in words[2:] if not word.startswith("-"))
            if not os.path.exists(os.path.join(host.directory, own)):
                self.setting.keys.link_directory(True, 0, os.path.join(host.directory, own))
        adapted = [self.setting.programs[words[0]]] + self.adapt(host, words[1:])
        if command == "exchange-config":
            path = os.path.join(host.directory, adapted[-1])
            if not os.path.exists(path) and words[0] in self.configurations:
                # The document has shown this file.
                config.Maker(host, self.setting.keys).write(self.configurations[words[0]], words[0], path)
        if words[0] == "rp" and command.startswith("exchange"):
            self.expect_not_allowed(host, adapted)
        elif command.startswith("exchange"):
            self.start(host, adapted)
        else:
            self.expect_success(host, adapted)
        self.counts["run"] += 1

    def expect_success(self, host, words):
        result = subprocess.run(words, cwd=host.directory, env=host.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_SECONDS, check=False)
        if result.returncode != 0:
            raise Problem(f"exit status {result.returncode}: {result.stdout.decode(errors='replace').strip()}")

    def expect_not_allowed(self, host, words):
        """tests/system/vpn.sh makes VPNs. Here all but the capability has to be right."""
        if os.geteuid() == 0:
            words = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"] + words
        result = subprocess.run(words, cwd=host.directory, env=host.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_SECONDS, check=False)
        output = result.stdout.decode(errors="replace").strip()
        if result.returncode != 1 or NOT_ALLOWED not in output:
            raise Problem(f"expected that only CAP_NET_ADMIN is missing: exit status {result.returncode}: {output}")

    # --- daemons ------------------------------------------------------------------------------

    def start(self, host, words):
        self.stop(host)
        with open(f"{host.root}/out", "wb") as out, open(f"{host.root}/err", "wb") as err:
            host.daemon = subprocess.Popen(words, cwd=host.directory, env=host.environment, stdin=subprocess.DEVNULL,
                                           stdout=out, stderr=err)
        self.setting.daemons.append(host.daemon)
        self.wait(lambda: host.daemon.poll() is not None or re.search("exchanging keys with|no peer yet", self.log(host)))
        if host.daemon.poll() is not None:
            raise Problem(f"the daemon ended with status {host.daemon.returncode}: {self.log(host).strip()}")
        running = [other for other in self.hosts.values() if other.daemon is not None]
        if len(running) > 1 and all("outfile" in other.daemon.args for other in running):
            self.expect_agreement(running)

    @staticmethod
    def log(host):
        with open(f"{host.root}/err", errors="replace") as file:
            return file.read()

    @staticmethod
    def wait(condition):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            result = condition()
            if result:
                return result
            time.sleep(0.05)
        return None

    @staticmethod
    def key_of(host):
        with open(f"{host.root}/out") as file:
            found = re.search(r'key-file "([^"]+)" exchanged', file.read())
        if not found:
            return None
        with open(os.path.join(host.directory, found.group(1))) as file:
            return file.read()

    def expect_agreement(self, hosts):
        def agree():
            keys = {self.key_of(host) for host in hosts}
            return len(keys) == 1 and None not in keys

        if not self.wait(agree):
            raise Problem("the two sides have not agreed on a key: " + " ".join(self.log(host) for host in hosts))

    @staticmethod
    def stop(host):
        if host.daemon is not None and host.daemon.poll() is None:
            host.daemon.send_signal(signal.SIGTERM)
            host.daemon.wait(LIMIT_SECONDS)
        host.daemon = None

    # --- what a person would do in an editor --------------------------------------------------

    def edit(self, host, path):
        """Fills in what gen-config wrote, or writes the first example of rp.toml(5)."""
        path = os.path.join(host.directory, path)
        if os.path.exists(path):
            with open(path) as file:
                text = re.sub(r"^secret_key.*\n|^public_key.*\n", "", file.read(), count=2, flags=re.MULTILINE)
            own = f'public_key = "{host.root}/etc/rosenpass/own/pqpk"\nsecret_key = "{host.root}/etc/rosenpass/own/pqsk"\n'
            os.makedirs(f"{host.root}/etc/rosenpass/own", exist_ok=True)
            text = own + text.replace("/path/to/rp-peer-public-key", self.setting.keys.public(1))
            with open(path, "w") as file:
                file.write(text.replace("/path/to", host.directory))
        else:
            page = os.path.join(self.setting.source, "doc/man/rp.toml.5")
            with open(page) as file:
                example = next(block for block in extract.blocks(page, file.read()) if config.is_config(block.text()))
            config.Maker(host, self.setting.keys).write(example.text(), "rp", path)
            self.expect_success(host, [self.setting.programs["rp"], "validate", path])


class Setting:
    """What all documents share."""

    def __init__(self, programs, source, work):
        self.programs = programs
        self.source = source
        self.work = work
        self.daemons = []
        self.marks = read_marks(os.path.join(os.path.dirname(__file__), "marks.txt"))
        os.makedirs(f"{work}/keys")
        self.keys = Keys(programs, f"{work}/keys")
        self.units = {re.match(r"^([a-z-]+)@", name).group(1)
                      for name in os.listdir(os.path.join(source, "packaging/systemd")) if "@" in name}
        self.commands = {}
        self.options = {}
        for name in PROGRAMS:
            text = self.help(name)
            listed = re.search(r"^Commands:\n(.*?)\n\n", text, re.MULTILINE | re.DOTALL).group(1)
            self.commands[name] = re.findall(r"^  ([a-z][a-z-]*) ", listed, re.MULTILINE)
            self.options[name] = {None: self.options_of(text)}
            for command in self.commands[name]:
                self.options[name][command] = self.options_of(self.help(name, command))

    def help(self, name, *command):
        return subprocess.run([self.programs[name], "help", *command], check=True, stdout=subprocess.PIPE,
                              timeout=LIMIT_SECONDS).stdout.decode()

    @staticmethod
    def options_of(text):
        return set(re.findall(r"(?<![\w-])(--?[a-zA-Z][a-z-]*)", text))


def documents(source):
    paths = ["README.md", "docker/USAGE.md"]
    for folder, endings in (("doc", (".md",)), ("doc/man", tuple(".123456789"[1:]))):
        for name in sorted(os.listdir(os.path.join(source, folder))):
            if name.endswith(endings) and name != "messages.md":
                paths.append(f"{folder}/{name}")
    return [path for path in paths if os.path.exists(os.path.join(source, path))]


def main():
    source, work = sys.argv[3], sys.argv[4]
    setting = Setting({"rosenpass": sys.argv[1], "rp": sys.argv[2]}, source, work)
    wanted = sys.argv[5:]
    problems = []
    try:
        for path in wanted or documents(source):
            with open(os.path.join(source, path)) as file:
                document = Document(path, file.read(), setting)
            document.follow()
            print(f"{path}: " + ", ".join(f"{count} {name}" for name, count in document.counts.items() if count))
            problems += document.problems
    finally:
        for daemon in setting.daemons:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()
    if not wanted:
        problems += [f"{mark.place}: no example matches this mark any more" for mark in setting.marks if not mark.used]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
