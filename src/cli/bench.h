// For the commands that talk to ActiveCampaign.
#pragma once

#include <memory>

#include "app/workbench.h"
#include "cli/commands.h"

namespace mbr::cli {

// As loadAsOwner; then opens the store and the rest. From here on nothing is logged: a command says
// itself what it did. Throws Failure, app::StartError.
std::unique_ptr<app::Workbench> openBench(const Arguments& arguments);

}  // namespace mbr::cli
