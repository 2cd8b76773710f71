// A disk whose every flush takes longer, for LD_PRELOAD: by SLOW_FLUSH_US microseconds.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

using Flush = int (*)(int);

Flush real(const char* name) { return reinterpret_cast<Flush>(dlsym(RTLD_NEXT, name)); }

// Asked once, when loaded: some programs empty their environment later.
long extraMicroseconds() {
  const char* text = std::getenv("SLOW_FLUSH_US");
  return text == nullptr ? 0 : std::atol(text);
}

const long kExtra = extraMicroseconds();
const Flush kSync = real("fsync");
const Flush kDataSync = real("fdatasync");

void wait() {
  if (kExtra <= 0) return;
  timespec left{kExtra / 1000000, kExtra % 1000000 * 1000};
  while (nanosleep(&left, &left) != 0) {
  }
}

}  // namespace

extern "C" {

int fsync(int file) {
  wait();
  return kSync(file);
}

int fdatasync(int file) {
  wait();
  return kDataSync(file);
}
}
