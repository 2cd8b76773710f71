// Whether nginx is set up for us.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "app/nginx_config.h"
#include "app/remark.h"

namespace mbr::app {

// What nginx has to agree with.
struct NginxExpectation {
  std::string socket;  // listen.socket; empty = whoever starts the daemon chooses it
  std::optional<std::string> shedSocket;  // empty = off; nothing = not known
  std::size_t maxBodyBytes = 0;           // webhooks.max_body
  bool hasRules = false;                  // there is a rule.NAME
};

// Pure. The checks are called nginx-files, nginx-connections, nginx-limits, nginx-logs,
// nginx-socket, nginx-shed, nginx-body and nginx-gate.
Remarks checkNginx(const std::vector<NginxDirective>& config, const NginxExpectation& expected);

}  // namespace mbr::app
