// Which threads may wait.
#pragma once

namespace mbr {

// Fast workers serve every connection, so one that waits stalls all of them. They declare
// themselves once, and what waits (Store::write) asserts that its caller did not.
void declareFastWorker();
bool isFastWorker();

}  // namespace mbr
