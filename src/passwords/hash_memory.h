// The memory that argon2 fills, kept from one hash to the next.
//
// libsodium maps the memory of each hash anew and unmaps it afterwards. At 19 MiB the system then
// takes as long to find and clear 4,864 pages as argon2 takes for its work, on a core that a login
// waits for. libsodium cannot be handed memory, so this process has an mmap and a munmap of its
// own, which stand before those of the C library: within a Loan they give what a hash left and
// keep what libsodium would give back. Anywhere else they only pass on.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "base/clock.h"

namespace mbr::passwords {

// As many pieces as hashes ran at once, each let go once no hash has used it for `keptFor`. What a
// hash left in one is overwritten by the next, and is never part of a core dump.
//
// Thread-safe.
class HashMemory {
 public:
  explicit HashMemory(SteadyInstant::duration keptFor = std::chrono::seconds{10})
      : keptFor_(keptFor) {}
  ~HashMemory();
  HashMemory(const HashMemory&) = delete;
  HashMemory& operator=(const HashMemory&) = delete;

  // What libsodium maps on this thread while one lives comes from `memory`, which must outlive it;
  // with nullptr all is as if there were no Loan. For the time of one call of libsodium: whoever
  // else maps private memory on this thread would find it filled. There is one at a time on a
  // thread.
  class Loan {
   public:
    explicit Loan(HashMemory* memory);
    ~Loan();
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

   private:
    friend struct HashMemoryHook;
    HashMemory* const memory_;
    void* base_ = nullptr;  // of the piece that is lent
    std::size_t bytes_ = 0;
  };

  // Lets go of what was not used for `keptFor`. Each hash does so at its end; this is for the time
  // when there are none.
  void releaseUnused();

  SteadyInstant::duration keptFor() const { return keptFor_; }
  std::size_t keptBytes() const;  // lent pieces not among them

 private:
  friend struct HashMemoryHook;
  struct Piece {
    void* base;
    std::size_t bytes;
    SteadyInstant usedAt;
  };

  void* take(std::size_t bytes);  // nullptr if there is none of that size
  void keep(void* base, std::size_t bytes) noexcept;
  void releaseUnused(SteadyInstant now);  // with mutex_ held

  const SteadyInstant::duration keptFor_;
  mutable std::mutex mutex_;
  std::vector<Piece> pieces_;  // guarded by mutex_; the one used last at the end, taken first
};

}  // namespace mbr::passwords
