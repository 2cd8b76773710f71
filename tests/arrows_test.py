"""Every #include "room/…" below src/ must be an arrow that the room's CMake entry declares."""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def read_rooms(path):
    rooms = {}
    for line in path.read_text().splitlines():
        room, _, arrows = line.partition(":")
        rooms[room] = set(arrows.split())
    return rooms


def room_of(relative, rooms):
    """The longest declared room that holds the file: store/sql before store."""
    folder = pathlib.PurePosixPath(relative).parent
    while str(folder) != ".":
        if str(folder) in rooms:
            return str(folder)
        folder = folder.parent
    return None


def main():
    source, rooms = pathlib.Path(sys.argv[1]), read_rooms(pathlib.Path(sys.argv[2]))
    findings, includes = [], 0
    for room, arrows in rooms.items():
        for arrow in arrows - rooms.keys():
            findings.append(f"{room}: declares an arrow to {arrow}, which is no room")
    for file in sorted(source.rglob("*")):
        if file.suffix not in (".h", ".cpp"):
            continue
        relative = file.relative_to(source).as_posix()
        room = room_of(relative, rooms)
        if room is None:
            if relative != "main.cpp":
                findings.append(f"{relative}: belongs to no declared room")
            continue
        for target in INCLUDE.findall(file.read_text()):
            includes += 1
            other = room_of(target, rooms)
            if other is None:
                findings.append(f"{relative}: includes {target}, which is in no declared room")
            elif other != room and other not in rooms[room]:
                findings.append(f"{relative}: includes {target}, but {room} has no arrow to {other}")
    for finding in findings:
        print(finding)
    print(f"{len(rooms)} rooms, {includes} includes, {len(findings)} findings")
    return 1 if findings or includes == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
