// What doctor and check-config --online found, on standard output.
#pragma once

#include "app/remark.h"

namespace mbr::cli {

// The worst last, each with its cure. The exit code: 1 if there is a problem, 0 for warnings alone.
int reportRemarks(const app::Remarks& remarks, bool asJson);

}  // namespace mbr::cli
