"""Completes a configuration of a document, creates the files that it names, and has it validated."""
import base64
import os
import re

OWN_PAIR = ("public_key", "secret_key")
PEER_WORDS = ("name", "endpoint", "pre_shared_key", "key_out", "key_out_mode", "key_out_group", "exchange_command",
              "device", "peer", "extra_params", "wireguard", "protocol_version", "osk_organization", "osk_label")
RP_WORDS = ("private_keys_dir", "public_keys_dir", "allowed_ips", "dev", "ip", "persistent_keepalive",
            "replace_routes", "mtu")
SETTING = re.compile(r"^([a-z_]+)(\s*=\s*)(.*)$")
ANY_KEY = base64.b64encode(bytes(range(32))).decode()


def is_config(text):
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    return bool(lines) and all(
        SETTING.match(line) or line.startswith(("[[", " ", "]", "}")) for line in lines) and any(
        match and match.group(1) in OWN_PAIR + PEER_WORDS + RP_WORDS + ("listen", "fwmark", "user", "on_exit",
                                                                      "before_first_exchange", "verbosity")
        for match in map(SETTING.match, lines))


def program_of(text):
    words = {match.group(1) for match in map(SETTING.match, text.split("\n")) if match}
    return "rp" if words & set(RP_WORDS) else "rosenpass"


def split_parts(text):
    """The lines before the first [[peers]], and those of each peer."""
    parts = [[]]
    for line in text.split("\n"):
        if line.startswith("[[peers]]"):
            parts.append([])
        else:
            parts[-1].append(line)
    return parts


def words_of(lines):
    return [match.group(1) for match in map(SETTING.match, lines) if match]


def complete(text, program):
    """Adds what a fragment leaves out: our own keys, a peer's key, a place for the keys."""
    own, *peers = split_parts(text)
    has_own = {"private_keys_dir", "secret_key"} & set(words_of(own))
    if not peers and not has_own and set(words_of(own)) & set(PEER_WORDS + ("public_keys_dir", "allowed_ips")):
        own, peers = [], [own]
    for word in ("private_keys_dir",) if program == "rp" else OWN_PAIR:
        if word not in words_of(own):
            own.insert(0, f'{word} = "own-{word}"')
    for number, peer in enumerate(peers):
        words = words_of(peer)
        if program == "rp" and "public_keys_dir" not in words:
            peer.append(f'public_keys_dir = "peer-{number}"')
        if program == "rosenpass" and "public_key" not in words:
            peer.append(f'public_key = "peer-public-{number}"')
        if program == "rosenpass" and not {"key_out", "exchange_command", "device", "wireguard"} & set(words):
            peer.append(f'key_out = "key-{number}"')
    return "\n".join(["\n".join(own)] + ["[[peers]]\n" + "\n".join(peer) for peer in peers])


class Maker:
    """Creates the files of a configuration below the directory of a host."""

    def __init__(self, host, keys):
        self.host = host
        self.keys = keys

    def find(self, value):
        """Where a path of the configuration leads; the text that stands for it in the file."""
        value = re.sub(r"^/(etc|run|var|usr|path)/", lambda match: f"{self.host.root}/{match.group(1)}/", value)
        real = value.replace("${CREDENTIALS_DIRECTORY}", f"{self.host.root}/credentials")
        real = real.replace("${RUNTIME_DIRECTORY}", f"{self.host.root}/run/service")
        real = real.replace("${STATE_DIRECTORY}", f"{self.host.root}/var/service")
        real = re.sub(r"^~", self.host.home, real)
        real = os.path.join(self.host.directory, real)
        os.makedirs(os.path.dirname(real), exist_ok=True)
        return value, real

    def create(self, word, real, peer):
        if word in ("private_keys_dir", "public_keys_dir"):
            self.keys.link_directory(word == "private_keys_dir", peer, real)
        elif os.path.lexists(real):
            return
        elif word == "public_key":
            os.link(self.keys.public(peer), real)
        elif word == "secret_key":
            os.link(self.keys.secret(), real)
        elif word == "pre_shared_key":
            with open(os.open(real, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(ANY_KEY + "\n")
        elif word == "exchange_command":
            with open(os.open(real, os.O_WRONLY | os.O_CREAT, 0o755), "w") as file:
                file.write("#!/bin/sh\ncat >/dev/null\n")

    def adapt(self, line, peer):
        match = SETTING.match(line)
        if not match:
            return line
        word, equals, rest = match.groups()
        text = re.match(r'^(\[?\s*)"([^"]*)"(.*)$', rest)
        if not text:
            return line
        before, value, after = text.groups()
        if word in ("public_key", "secret_key", "pre_shared_key", "key_out", "private_keys_dir", "public_keys_dir") or (
                word == "exchange_command" and "/" in value):
            value, real = self.find(value)
            self.create(word, real, peer)
        elif word == "peer" and re.match(r"^[A-Z][A-Z-]*$", value):
            value = ANY_KEY
        elif word == "key_out_group":
            value = str(os.getgid())
        return f'{word}{equals}{before}"{value}"{after}'

    def write(self, text, program, path):
        own, *peers = split_parts(complete(text, program))
        lines = [self.adapt(line, 0) for line in own]
        for number, peer in enumerate(peers):
            lines += ["[[peers]]"] + [self.adapt(line, number + 1) for line in peer]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write("\n".join(lines))
