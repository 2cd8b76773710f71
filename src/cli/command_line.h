// The command line of membergate.
#pragma once

#include "cli/commands.h"

namespace mbr::cli {

struct Invocation {
  int (*command)(const Arguments&) = nullptr;  // null: `exitCode` is the answer already
  Arguments arguments;
  int exitCode = 0;
};

// Reads the command line. Help goes to stdout; what is wrong goes to stderr, with exit code 2.
Invocation readCommandLine(int argc, const char* const* argv);

// Runs the command; a failure becomes its sentence on stderr and its exit code.
int run(const Invocation& invocation);

}  // namespace mbr::cli
