#include "cli/identity.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/exit_code.h"

namespace mbr::cli {
namespace {

void require(int result, const char* what) {
  if (result < 0) {
    throw Failure(kNotPermitted, std::string(what) + ": " + std::strerror(errno));
  }
}

// The groups the user has, with `group` in front.
void takeGroups(const Identity& identity) {
  const passwd* entry = ::getpwuid(identity.user);
  require(entry != nullptr ? ::initgroups(entry->pw_name, identity.group)
                           : ::setgroups(1, &identity.group),
          "cannot take the user's groups");
}

}  // namespace

Identity ownerOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    const bool denied = errno == EACCES;
    throw Failure(denied ? kNotPermitted : kConfiguration,
                  path + ": " + std::strerror(errno) + (denied ? "; " + whomToUse(path) : ""));
  }
  return {info.st_uid, info.st_gid};
}

std::string nameOf(uid_t user) {
  const passwd* entry = ::getpwuid(user);
  return entry == nullptr ? "user " + std::to_string(user) : std::string(entry->pw_name);
}

void keepMemoryPrivate() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void become(const Identity& identity) {
  ::umask(0077);
  if (::geteuid() != 0 || identity.user == 0) return;
  takeGroups(identity);
  require(::setgid(identity.group), "cannot take the group of the store");
  require(::setuid(identity.user), "cannot become the owner of the store");
  keepMemoryPrivate();  // a change of user resets it
}

ActingAs::ActingAs(const Identity& identity) {
  if (::geteuid() != 0 || identity.user == 0) return;
  group_ = ::getegid();
  groups_.resize(static_cast<std::size_t>(::getgroups(0, nullptr)));
  require(::getgroups(static_cast<int>(groups_.size()), groups_.data()),
          "cannot read the groups of this process");
  takeGroups(identity);
  require(::setegid(identity.group), "cannot take the group of the store");
  require(::seteuid(identity.user), "cannot act as the owner of the store");
  changed_ = true;
}

ActingAs::~ActingAs() {
  if (!changed_) return;
  // To go on as somebody half changed would be worse than to end.
  if (::seteuid(0) != 0 || ::setegid(group_) != 0 ||
      ::setgroups(groups_.size(), groups_.data()) != 0) {
    std::abort();
  }
}

std::string whomToUse(std::string path) {
  struct stat info {};
  while (::stat(path.c_str(), &info) != 0 && path.size() > 1) {
    const auto slash = path.rfind('/');
    path.resize(slash == std::string::npos || slash == 0 ? 0 : slash);
    if (path.empty()) path = "/";
  }
  return info.st_uid == 0 ? "run this as root" : "run this as root or as " + nameOf(info.st_uid);
}

}  // namespace mbr::cli
