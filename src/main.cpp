// The life of the process; that of the service is in cli/serve.cpp.
#include "cli/command_line.h"
#include "cli/identity.h"

int main(int argc, char** argv) {
  mbr::cli::keepMemoryPrivate();  // before the first secret is read
  const auto invocation = mbr::cli::readCommandLine(argc, argv);
  return mbr::cli::run(invocation);
}
