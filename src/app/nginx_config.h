// nginx's configuration as a tree, to see what of it concerns us.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mbr::app {

// One directive with its arguments and, if it has one, its block.
struct NginxDirective {
  std::string name;
  std::vector<std::string> arguments;
  std::vector<NginxDirective> block;

  const std::string& argument(std::size_t index) const;  // "" if there is none
};

// The files behind an `include` pattern, each with its text; a relative pattern is the caller's to
// place. Empty if there are none.
using NginxFiles =
    std::function<std::vector<std::pair<std::string, std::string>>(const std::string& pattern)>;

// The directives of `text`, with those of included files in their place. Variables and conditions
// are left as they are written. Errors: kInvalid (not nginx's grammar; the detail says where).
Result<std::vector<NginxDirective>> parseNginx(std::string_view text, const NginxFiles& files);

// What `nginx -T` printed, which holds all files that it read, or else the text of nginx.conf,
// whose includes are read from the disk, relative to `folder`. Errors: as parseNginx().
Result<std::vector<NginxDirective>> readNginx(const std::string& text, const std::string& folder);

}  // namespace mbr::app
