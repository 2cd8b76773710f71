#include "passwords/hash_memory.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace mbr::passwords {
namespace {

using Map = void* (*)(void*, std::size_t, int, int, int, off_t);
using Unmap = int (*)(void*, std::size_t);

// The thread sanitizer maps memory before it can watch anyone do so; for the same reason nothing
// here is a static of a function.
#define MBR_UNWATCHED __attribute__((no_sanitize("thread")))

Map nextMap = nullptr;
Unmap nextUnmap = nullptr;

// The function of that name that ours stands before, looked up at its first use.
template <typename Function>
MBR_UNWATCHED Function next(Function& known, const char* name) {
  Function found = __atomic_load_n(&known, __ATOMIC_ACQUIRE);
  if (found != nullptr) return found;
  found = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
  if (found == nullptr) std::abort();
  __atomic_store_n(&known, found, __ATOMIC_RELEASE);
  return found;
}

MBR_UNWATCHED void* mapAnew(void* address, std::size_t bytes, int protection, int flags, int fd,
                            off_t offset) {
  return next(nextMap, "mmap")(address, bytes, protection, flags, fd, offset);
}

MBR_UNWATCHED int unmap(void* base, std::size_t bytes) {
  return next(nextUnmap, "munmap")(base, bytes);
}

thread_local HashMemory::Loan* loan = nullptr;

}  // namespace

HashMemory::~HashMemory() {
  for (const Piece& piece : pieces_) unmap(piece.base, piece.bytes);
}

HashMemory::Loan::Loan(HashMemory* memory) : memory_(memory) {
  if (memory != nullptr) loan = this;
}

HashMemory::Loan::~Loan() { loan = nullptr; }

void* HashMemory::take(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (pieces_.empty()) return nullptr;
  const Piece piece = pieces_.back();
  pieces_.pop_back();
  if (piece.bytes == bytes) return piece.base;
  unmap(piece.base, piece.bytes);  // of a hash with other parameters; one goes, another comes
  return nullptr;
}

void HashMemory::keep(void* base, std::size_t bytes) noexcept {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  try {
    pieces_.push_back({base, bytes, now});
  } catch (const std::bad_alloc&) {
    unmap(base, bytes);
  }
  releaseUnused(now);
}

void HashMemory::releaseUnused() {
  const std::lock_guard lock(mutex_);
  releaseUnused(std::chrono::steady_clock::now());
}

void HashMemory::releaseUnused(SteadyInstant now) {
  const auto used = std::find_if(pieces_.begin(), pieces_.end(),
                                 [&](const Piece& piece) { return now - piece.usedAt < keptFor_; });
  std::for_each(pieces_.begin(), used, [](const Piece& piece) { unmap(piece.base, piece.bytes); });
  pieces_.erase(pieces_.begin(), used);
}

std::size_t HashMemory::keptBytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  for (const Piece& piece : pieces_) bytes += piece.bytes;
  return bytes;
}

// What mmap and munmap below do within a Loan. One piece is lent at a time; whatever libsodium
// should map beside it is its own.
struct HashMemoryHook {
  static void* map(std::size_t bytes, int flags) {
    if (loan->base_ != nullptr) return nullptr;
    void* base = loan->memory_->take(bytes);
    if (base == nullptr) {
      base = mapAnew(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
      if (base == MAP_FAILED) return base;
      ::madvise(base, bytes, MADV_DONTDUMP);
    }
    loan->base_ = base;
    loan->bytes_ = bytes;
    return base;
  }

  static bool keeps(void* base, std::size_t bytes) {
    if (base != loan->base_ || bytes != loan->bytes_) return false;
    loan->memory_->keep(base, bytes);
    loan->base_ = nullptr;
    return true;
  }
};

}  // namespace mbr::passwords

using mbr::passwords::HashMemoryHook;
using mbr::passwords::loan;
using mbr::passwords::mapAnew;
using mbr::passwords::unmap;

extern "C" {

MBR_UNWATCHED __attribute__((visibility("default"))) void* mmap(void* address, std::size_t bytes,
                                                                int protection, int flags, int fd,
                                                                off_t offset) noexcept {
  constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
  if (loan != nullptr && address == nullptr && protection == (PROT_READ | PROT_WRITE) &&
      (flags & (kPrivate | MAP_STACK)) == kPrivate) {
    if (void* const base = HashMemoryHook::map(bytes, flags)) return base;
  }
  return mapAnew(address, bytes, protection, flags, fd, offset);
}

MBR_UNWATCHED __attribute__((visibility("default"))) int munmap(void* base,
                                                                std::size_t bytes) noexcept {
  if (loan != nullptr && base != nullptr && HashMemoryHook::keeps(base, bytes)) return 0;
  return unmap(base, bytes);
}
}
