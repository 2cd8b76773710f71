// Looks at the whole installation and says how to repair it.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>

#include "app/account_check.h"
#include "app/app.h"
#include "app/installation_check.h"
#include "app/nginx_check.h"
#include "app/state_check.h"
#include "base/files.h"
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/remarks.h"
#include "cli/settings.h"

namespace mbr::cli {
namespace {

using app::Remarks;

// nginx's configuration, read as the user who calls: the service's user may not.
struct NginxText {
  std::string text;
  std::string folder;
  std::string problem;  // why there is no text
};

NginxText readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  NginxText read;
  read.text.assign(std::istreambuf_iterator<char>(file), {});
  if (!file || read.text.empty()) throw Failure(kUsage, "--nginx: cannot read " + path);
  read.folder = folderOf(path);
  return read;
}

NginxText askNginx() {
  NginxText read;
  // Not a shell's business but for the search path: the command is fixed.
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
      ::popen("PATH=\"$PATH:/usr/sbin:/sbin\" nginx -T 2>/dev/null </dev/null", "r"), ::pclose);
  std::array<char, 4096> buffer{};
  if (pipe != nullptr) {
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
      read.text.append(buffer.data(), got);
    }
  }
  if (read.text.empty()) {
    read.problem = ::geteuid() == 0 ? "nginx -T says nothing: it is not installed here, or refuses "
                                      "its configuration"
                                    : "this user may not read nginx's configuration";
  }
  return read;
}

void append(Remarks& all, Remarks more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

Remarks lookAtNginx(const NginxText& nginx, const config::Config* config) {
  if (nginx.text.empty()) {
    return {app::warning("nginx-files", nginx.problem,
                         "Run doctor as root, or name the file: --nginx /etc/nginx/nginx.conf")};
  }
  const auto tree = app::readNginx(nginx.text, nginx.folder);
  if (!tree) {
    return {app::problem("nginx-files",
                         "nginx's configuration cannot be read: " + tree.error().detail,
                         "nginx -t says what is wrong")};
  }
  app::NginxExpectation expected;
  if (config != nullptr) {
    expected.socket = config->server.socketPath;
    expected.shedSocket = config->shedSocket;
    expected.maxBodyBytes = config->maxWebhookBodyBytes;
    expected.hasRules = !config->gateRules.empty();
  }
  return app::checkNginx(*tree, expected);
}

// What needs the database.
Remarks lookInside(const Arguments& arguments) try {
  const auto bench = openBench(arguments);
  Remarks remarks = app::checkState(*bench);
  if (!arguments.offline) append(remarks, app::checkAccount(*bench));
  return remarks;
} catch (const app::StartError& error) {
  return {app::problem("master-key", error.what(), "Restore database and master.key together")};
} catch (const Failure& failure) {
  return {app::problem("store", failure.what(), "See above")};
}

bool isSound(const Remarks& remarks) {
  return std::none_of(remarks.begin(), remarks.end(), [](const app::Remark& remark) {
    return remark.check == "store" && remark.severity != app::Severity::kGood;
  });
}

}  // namespace

int doctor(const Arguments& arguments) {
  const NginxText nginx = arguments.nginxFile ? readFile(*arguments.nginxFile) : askNginx();
  Remarks remarks;
  std::optional<config::Config> config;
  try {
    config.emplace(loadAsOwner(arguments.configPath()));
  } catch (const Failure& failure) {
    if (failure.code() == kNotPermitted) throw;
    remarks.push_back(app::problem("config", failure.what(),
                                   "Correct the file; membergate check-config --keys lists all "
                                   "keys"));
  }
  if (config) {
    append(remarks, app::checkInstallation(*config));
    append(remarks, app::checkStoreFile(*config));
    if (isSound(remarks)) append(remarks, lookInside(arguments));
  }
  append(remarks, lookAtNginx(nginx, config ? &*config : nullptr));
  return reportRemarks(remarks, arguments.json);
}

}  // namespace mbr::cli
