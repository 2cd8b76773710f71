"""Makes the manual pages and the shell completion from what the program says of itself.

usage: from_help.py PROGRAM FOLDER [DATE]

Writes membergate.1, membergate.conf.5 and membergate.bash into FOLDER; DATE stands at the foot of
the pages. `PROGRAM --help` at each
level and `PROGRAM check-config --keys --json` are the only sources, so none can say anything else
than the program.
"""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

ENTRY = re.compile(r"^  (\S.*?)(?:\s{2,}(.*))?$")


@dataclasses.dataclass
class Command:
    path: tuple
    about: str
    usage: str = ""
    sections: dict = dataclasses.field(default_factory=dict)  # heading -> [(term, about)]
    children: list = dataclasses.field(default_factory=list)

    def entries(self, *headings):
        return [entry for heading in headings for entry in self.sections.get(heading, [])]

    def options(self):
        return [entry for entries in self.sections.values() for entry in entries
                if entry[0].startswith("-")]

    def all(self):
        yield self
        for child in self.children:
            yield from child.all()


def says(program, *arguments):
    return subprocess.run([program, *arguments], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


def read(program, path=()):
    """The command at `path` with all below it."""
    about, _, rest = says(program, *path, "--help").partition("Usage: ")
    command = Command(path, " ".join(about.split()), rest.partition("\n")[0])
    section = None
    for line in rest.splitlines()[1:]:
        entry = ENTRY.match(line)
        if line.endswith(":") and not line.startswith(" "):
            section = command.sections.setdefault(line[:-1], [])
        elif entry and section is not None:
            section.append([entry[1], entry[2] or ""])
        elif line.strip() and section:
            section[-1][1] = f"{section[-1][1]} {line.strip()}".strip()
    command.children = [read(program, (*path, name))
                        for name, _ in command.entries("Subcommands")]
    return command


# --- manual pages ------------------------------------------------------------


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = text.replace("…", "...").replace("^", "\\(ha").replace("~", "\\(ti")
    return "\\&" + text if text[:1] in (".", "\\(aq") else text


def item(term, about):
    return f".TP\n.B {roff(term)}\n{roff(about) or '.br'}\n"


def term_of(entry):
    """`-h,--help` and `--name TEXT REQUIRED` as a manual page writes them."""
    return entry.replace(",-", ", -").replace(" REQUIRED", " (required)")


def head(name, section, date, version, about):
    return (f".\\\" Made from the program's own help.\n.TH {name} {section} {date} "
            f"\"membergate {version}\" Membergate\n.SH NAME\n{name.lower()} \\- {roff(about)}\n")


def manual(tree, version, date):
    page = head("MEMBERGATE", 1, date, version, tree.about.rstrip("."))
    page += ".SH SYNOPSIS\n.B membergate\n[OPTION]... COMMAND [OPTION]...\n.SH OPTIONS\n"
    page += "Every command takes these.\n"
    page += "".join(item(term_of(t), about) for t, about in tree.options())
    page += ".SH COMMANDS\n"
    for command in tree.all():
        if command.children:
            continue
        page += f".SS {roff(command.usage.partition(' ')[2])}\n{roff(command.about)}.\n"
        own = command.entries("Positionals") + [o for o in command.options()
                                                if not o[0].startswith("-h,")]
        page += "".join(item(term_of(t), about) for t, about in own)
    return page + EXIT_CODES + FILES


EXIT_CODES = """.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
a negative answer
.TP
.B 2
wrong usage
.TP
.B 69
something needed cannot be reached
.TP
.B 75
try again later
.TP
.B 77
this user may not
.TP
.B 78
bad configuration
"""

FILES = """.SH FILES
.TP
.I /etc/membergate/membergate.conf
the configuration, see
.BR membergate.conf (5)
.TP
.I /etc/membergate/master.key
seals passwords that are on their way and digests codes; back it up with the database
.TP
.I /var/lib/membergate/membergate.db
the database
.TP
.I /run/membergate
sockets for nginx
.TP
.I /etc/nginx/conf.d/membergate.conf, /etc/nginx/snippets/membergate*.conf
nginx's half
.TP
.I /usr/share/doc/membergate
README.md, examples and the plugin for WordPress
.SH SEE ALSO
.BR membergate.conf (5),
.BR spawn\\-fcgi (1),
.BR nginx (8)
"""


def conf_manual(keys, version, date):
    page = head("MEMBERGATE.CONF", 5, date, version, "configuration of Membergate")
    page += (".SH DESCRIPTION\nOne\n.I key = value\na line. A line that begins with # is a comment; "
             "nothing follows a value on its line.\nAn unknown key, a value outside its range or a "
             "secret file that others may read stops the start;\n.B membergate check\\-config\n"
             "says what is wrong with file, line and key.\n.SH KEYS\n")
    for key in keys:
        unit = key["unit"] + (f", {key['range']}" if key["range"] else "")
        fallback = "Required." if key["required"] else f"Default: {key['default'] or 'none'}."
        page += item(key["name"], key["about"]) + f".br\nValue: {roff(unit)}. {roff(fallback)}\n"
    return page + (".SH SEE ALSO\n.BR membergate (1),\n"
                   ".I /usr/share/doc/membergate/conf/membergate.conf.example\n")


# --- completion --------------------------------------------------------------

COMPLETION = r"""# bash completion for membergate. Made from the program's own help.
_membergate() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command $word" in
      %(commands)s) command+=" $word" ;;
    esac
  done
  COMPREPLY=()
  case "$before" in
    %(files)s)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    %(folders)s)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    %(others)s) return ;;
  esac
  case "$command" in
%(words)s  esac
  mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current")
}
complete -F _membergate membergate
"""


def names(term):
    """The long names of an option as its help shows it."""
    return re.findall(r"--[a-z][a-z-]*", term.split(" ")[0])


def completion(tree):
    values = {"FILE": set(), "DIR": set(), "": set()}
    words = ""
    everywhere = [name for term, _ in tree.options() for name in names(term)]
    for command in tree.all():
        own = [name for term, _ in command.options() for name in names(term)]
        offered = [child.path[-1] for child in command.children] + sorted({*own, *everywhere})
        words += f"    '{''.join(' ' + part for part in command.path)}') word=\"{' '.join(offered)}\" ;;\n"
        for term, _ in command.options():
            value = re.match(r"\S+ ([A-Z]+)", term)
            if value:
                values[value[1] if value[1] in values else ""].update(names(term))
    commands = ["'" + "".join(" " + part for part in command.path) + "'"
                for command in list(tree.all())[1:]]
    pattern = lambda options: " | ".join(sorted(options)) or "''"
    return COMPLETION % {"commands": " | ".join(commands), "files": pattern(values["FILE"]),
                         "folders": pattern(values["DIR"]), "others": pattern(values[""]),
                         "words": words}


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    date = sys.argv[3] if len(sys.argv) > 3 else '""'
    version = says(program, "version").split()[-1]
    tree = read(program)
    keys = json.loads(says(program, "check-config", "--keys", "--json"))
    (folder / "membergate.1").write_text(manual(tree, version, date))
    (folder / "membergate.conf.5").write_text(conf_manual(keys, version, date))
    (folder / "membergate.bash").write_text(completion(tree))


main()
