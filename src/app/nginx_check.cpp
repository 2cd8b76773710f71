#include "app/nginx_check.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <string_view>

namespace mbr::app {
namespace {

using Directives = std::vector<NginxDirective>;

constexpr std::int64_t kLeastConnections = 4096;
constexpr std::int64_t kDefaultConnections = 512;
constexpr std::int64_t kDefaultBody = 1024 * 1024;
constexpr const char* kHooks = "/membergate/hooks/";

const NginxDirective* find(const Directives& block, std::string_view name,
                           std::string_view lastArgument = {}) {
  const auto found = std::find_if(block.begin(), block.end(), [&](const NginxDirective& each) {
    const bool any = lastArgument.empty();
    return each.name == name &&
           (any || (!each.arguments.empty() && each.arguments.back() == lastArgument));
  });
  return found == block.end() ? nullptr : &*found;
}

std::vector<const NginxDirective*> findAll(const Directives& block, std::string_view name) {
  std::vector<const NginxDirective*> all;
  for (const NginxDirective& each : block) {
    if (each.name == name) all.push_back(&each);
  }
  return all;
}

// A location's path is its last argument, behind = or ^~.
const NginxDirective* findLocation(const Directives& block, std::string_view path) {
  return find(block, "location", path);
}

std::int64_t bytesOf(const std::string& text) {
  char* end = nullptr;
  const std::int64_t number = std::strtoll(text.c_str(), &end, 10);
  const char unit = static_cast<char>(std::tolower(static_cast<unsigned char>(*end)));
  if (unit == 'k') return number * 1024;
  if (unit == 'm') return number * 1024 * 1024;
  if (unit == 'g') return number * 1024 * 1024 * 1024;
  return number;
}

// Whether a format prints the request line or the query, where security codes are.
bool printsRequests(std::string_view format) {
  static const std::set<std::string_view> kTelling{"request", "request_uri", "args",
                                                   "query_string"};
  for (auto at = format.find('$'); at != std::string_view::npos; at = format.find('$', at + 1)) {
    std::string_view name = format.substr(at + 1);
    if (!name.empty() && name.front() == '{') name.remove_prefix(1);
    std::size_t length = 0;
    while (length < name.size() &&
           (std::isalnum(static_cast<unsigned char>(name[length])) != 0 || name[length] == '_')) {
      ++length;
    }
    name = name.substr(0, length);
    if (kTelling.count(name) > 0) return true;
    if (name == "arg_mbr_genpass" || name == "arg_code") return true;
  }
  return false;
}

class Check {
 public:
  Check(const Directives& config, const NginxExpectation& expected)
      : main_(config), expected_(expected) {
    const NginxDirective* http = find(config, "http");
    if (http != nullptr) http_ = &http->block;
  }

  Remarks run() {
    if (!checkFiles()) return std::move(remarks_);
    checkConnections();
    checkLimits();
    checkLogs();
    checkSocket();
    checkShed();
    checkBody();
    checkGate();
    return std::move(remarks_);
  }

 private:
  void add(Remark remark) { remarks_.push_back(std::move(remark)); }

  // The servers that include the snippet.
  bool checkFiles() {
    if (http_ == nullptr || find(*http_, "upstream", "membergate") == nullptr) {
      add(problem("nginx-files", "nginx does not read conf.d/membergate.conf",
                  "Copy nginx/conf.d/membergate.conf to /etc/nginx/conf.d/, then: nginx -t && "
                  "systemctl reload nginx"));
      return false;
    }
    for (const NginxDirective* server : findAll(*http_, "server")) {
      const NginxDirective* root = findLocation(server->block, "/membergate/");
      if (root == nullptr) continue;
      servers_.push_back(&server->block);
      if (const NginxDirective* hooks = findLocation(root->block, kHooks)) hooks_ = &hooks->block;
    }
    if (servers_.empty() || hooks_ == nullptr) {
      add(problem("nginx-files", "no server of nginx includes snippets/membergate.conf",
                  "Put `include snippets/membergate.conf;` at the top of the site's https server "
                  "{}, then reload nginx"));
      return false;
    }
    add(good("nginx-files", "both files are included, in " + std::to_string(servers_.size()) +
                                (servers_.size() == 1 ? " server" : " servers")));
    return true;
  }

  void checkConnections() {
    const NginxDirective* events = find(main_, "events");
    const NginxDirective* set =
        events == nullptr ? nullptr : find(events->block, "worker_connections");
    const std::int64_t number =
        set == nullptr ? kDefaultConnections : std::atoll(set->argument(0).c_str());
    const std::string what = "worker_connections is " + std::to_string(number);
    if (number >= kLeastConnections) return add(good("nginx-connections", what));
    add(problem("nginx-connections", what + ", so nginx turns visitors away in a flood",
                "events { worker_connections 4096; } in nginx.conf"));
  }

  void checkLimits() {
    if (find(*hooks_, "limit_req") == nullptr) {
      return add(warning("nginx-limits", "webhooks have no limit_req, so a flood meets no shield",
                         "Take the limit_req lines of nginx/snippets/membergate.conf"));
    }
    constexpr std::int64_t kLeastRate = 50;
    for (const NginxDirective* zone : findAll(*http_, "limit_req_zone")) {
      for (const std::string& argument : zone->arguments) {
        const bool isRate = argument.compare(0, 5, "rate=") == 0;
        const bool isOurs = zone->argument(1).find("membergate_webhooks") != std::string::npos;
        if (!isRate || !isOurs) continue;
        const std::int64_t rate = std::atoll(argument.c_str() + 5);
        if (rate >= kLeastRate && argument.find("r/m") == std::string::npos) continue;
        return add(warning("nginx-limits", "webhooks are shed beyond " + argument.substr(5),
                           "rate=1000r/s in conf.d/membergate.conf; the daemon takes thousands"));
      }
    }
    add(good("nginx-limits", "webhooks are limited as shipped, or wider"));
  }

  // The formats of the logs that count for a block, by nginx's inheritance.
  std::vector<std::string> formatsIn(const Directives& block, const Directives* outer) const {
    auto logs = findAll(block, "access_log");
    if (logs.empty() && outer != nullptr) logs = findAll(*outer, "access_log");
    std::vector<std::string> formats;
    if (logs.empty()) formats.emplace_back("combined");
    for (const NginxDirective* log : logs) {
      if (log->argument(0) == "off") continue;
      const std::string& format = log->argument(1);
      formats.push_back(format.empty() || format.find('=') != std::string::npos ? "combined"
                                                                                : format);
    }
    return formats;
  }

  bool isTelling(const std::string& format) const {
    if (format == "combined") return true;
    for (const NginxDirective* each : findAll(*http_, "log_format")) {
      if (each->argument(0) != format) continue;
      return std::any_of(each->arguments.begin() + 1, each->arguments.end(), printsRequests);
    }
    return false;
  }

  // The server's own log, and those of its locations that set one.
  std::set<std::string> tellingFormats(const Directives& block, const Directives* outer) const {
    std::set<std::string> telling;
    for (const std::string& format : formatsIn(block, outer)) {
      if (isTelling(format)) telling.insert(format);
    }
    for (const NginxDirective& each : block) {
      if (each.name != "location" || find(each.block, "access_log") == nullptr) continue;
      telling.merge(tellingFormats(each.block, nullptr));
    }
    return telling;
  }

  void checkLogs() {
    std::set<std::string> telling;
    std::string level;
    for (const Directives* server : servers_) {
      telling.merge(tellingFormats(*server, http_));
      const NginxDirective* log = find(*server, "error_log");
      if (log == nullptr) log = find(*http_, "error_log");
      if (log == nullptr) log = find(main_, "error_log");
      if (log == nullptr) continue;
      const std::string& is = log->argument(1);
      if (is == "debug" || is == "info") level = is;
    }
    for (const std::string& format : telling) {
      add(problem("nginx-logs",
                  "the site's access_log prints security codes (format " + format + ")",
                  "access_log /var/log/nginx/access.log membergate_combined; in the site's server "
                  "{}; then make new codes: membergate code create"));
    }
    if (!level.empty()) {
      add(problem("nginx-logs", "error_log at level " + level + " prints requests with their codes",
                  "error_log /var/log/nginx/error.log warn;"));
    }
    if (telling.empty() && level.empty()) add(good("nginx-logs", "no log prints security codes"));
  }

  void checkSocket() {
    const NginxDirective* upstream = find(*http_, "upstream", "membergate");
    const NginxDirective* server = find(upstream->block, "server");
    const std::string address = server == nullptr ? "" : server->argument(0);
    if (expected_.socket.empty() || address == "unix:" + expected_.socket) {
      return add(good("nginx-socket", "nginx asks at " + address));
    }
    add(problem("nginx-socket",
                "nginx asks at " + address + ", and listen.socket is " + expected_.socket,
                "Make upstream membergate in conf.d/membergate.conf name the same socket"));
  }

  void checkShed() {
    if (!expected_.shedSocket) return;
    const std::string& path = *expected_.shedSocket;
    if (path.empty()) {
      return add(warning("nginx-shed",
                         "shed.socket is off: what nginx turns away is found by the "
                         "next pass only",
                         "Set shed.socket to the path that nginx writes its notes to"));
    }
    for (const NginxDirective* log : findAll(*hooks_, "access_log")) {
      const std::string& to = log->argument(0);
      if (to.compare(0, 7, "syslog:") != 0) continue;
      if (to.find("unix:" + path + ",") != std::string::npos) {
        return add(good("nginx-shed", "notes of refused webhooks go to " + path));
      }
    }
    add(problem("nginx-shed", "nginx does not tell of refused webhooks at " + path,
                "Make the syslog line of snippets/membergate.conf and shed.socket name the same "
                "path"));
  }

  void checkBody() {
    const NginxDirective* set = find(*hooks_, "client_max_body_size");
    const std::int64_t size = set == nullptr ? kDefaultBody : bytesOf(set->argument(0));
    if (size == 0 || size >= static_cast<std::int64_t>(expected_.maxBodyBytes)) {
      return add(good("nginx-body", "webhook bodies may be as large as webhooks.max_body"));
    }
    add(problem("nginx-body", "nginx refuses webhook bodies that webhooks.max_body allows",
                "client_max_body_size 256k; and client_body_buffer_size 256k; in the location of "
                "the webhooks"));
  }

  void checkGate() {
    if (!expected_.hasRules) return;
    const bool any = std::any_of(servers_.begin(), servers_.end(), [](const Directives* server) {
      return findLocation(*server, "/.membergate/authz") != nullptr;
    });
    if (any) return add(good("nginx-gate", "the gate is included"));
    add(warning("nginx-gate", "there is a rule.NAME, and no server includes the gate",
                "Put `include snippets/membergate-gate.conf;` beside snippets/membergate.conf"));
  }

  const Directives& main_;
  const NginxExpectation& expected_;
  const Directives* http_ = nullptr;
  std::vector<const Directives*> servers_;
  const Directives* hooks_ = nullptr;
  Remarks remarks_;
};

}  // namespace

Remarks checkNginx(const std::vector<NginxDirective>& config, const NginxExpectation& expected) {
  return Check(config, expected).run();
}

}  // namespace mbr::app
