// As which user a command works.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace mbr::cli {

struct Identity {
  uid_t user = 0;
  gid_t group = 0;
};

// The user and group that own a file or directory. Throws Failure (kConfiguration) if there is
// none.
Identity ownerOf(const std::string& path);

// The name, or the number where it has none.
std::string nameOf(uid_t user);

// No core dump, no other process of this user that looks into the memory. Before the first secret
// is read.
void keepMemoryPrivate();

// For good, with umask 0077. Only root can become another; everybody else stays what he is.
void become(const Identity& identity);

// Until the object goes. Only for root; for others, and as root itself, nothing changes. Throws
// Failure if the kernel refuses.
class ActingAs {
 public:
  explicit ActingAs(const Identity& identity);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  bool changed_ = false;
  gid_t group_ = 0;
  std::vector<gid_t> groups_;
};

// "run this as root or as NAME": NAME owns the path, or the nearest folder above it that can be
// seen.
std::string whomToUse(std::string path);

}  // namespace mbr::cli
