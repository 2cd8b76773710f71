#include "sync/import_pace.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace mbr::sync {
namespace {

constexpr std::string_view kNextSlot = "import.next_slot_ms";
constexpr Milliseconds kInterval{667};
constexpr Milliseconds kArrears = 9 * kInterval;

Instant readInstant(const std::optional<std::string>& text) {
  std::int64_t ms = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), ms);
  return fromEpochMs(ms);
}

}  // namespace

Outcome takeImportSlot(store::Store& store, const Clock& clock) {
  return store.write([&](store::Transaction& tx) -> Outcome {
    const Instant now = clock.now();
    // A slot further ahead than all that can be owed was written before the clock was set back.
    Instant slot = readInstant(tx.findMeta(kNextSlot));
    if (slot > now + kInterval) slot = now;
    slot = std::max(slot, now - kArrears);
    if (slot > now) return Error{Code::kBusy, "the importer's limit", slot - now};
    tx.setMeta(kNextSlot, std::to_string(toEpochMs(slot + kInterval)));
    return Done{};
  });
}

}  // namespace mbr::sync
