#include <iostream>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"

namespace mbr::cli {

int version(const Arguments& arguments) {
  if (arguments.json) {
    printJson(json::Object{{"version", MBR_VERSION}});
  } else {
    std::cout << "membergate " MBR_VERSION "\n";
  }
  return kOk;
}

}  // namespace mbr::cli
