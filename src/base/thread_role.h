// What threads may do: wait, and take a core from another.
#pragma once

namespace mbr {

// Fast workers serve every connection, so one that waits stalls all of them. They declare
// themselves once, and what waits (Store::write) asserts that its caller did not.
void declareFastWorker();
bool isFastWorker();

// The calling thread, and what it starts from now on, take their turn (SCHED_BATCH in sched(7)):
// one that wakes up takes no core from whoever runs there. So a flood is worked off in larger
// pieces, with fewer switches, and cuts up the hash of a password less. Where the system forbids
// it, all stays as it is.
void takeTurns();
// The usual way again, for a thread that somebody waits for who logs in.
void takeCoreAtOnce();

}  // namespace mbr
