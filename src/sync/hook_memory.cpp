#include "sync/hook_memory.h"

#include <charconv>
#include <string_view>

namespace mbr::sync {
namespace {

constexpr std::string_view kUrl = "hooks.url";
constexpr std::string_view kId = "hooks.id";
constexpr std::string_view kCheckedAt = "hooks.checked_at";
constexpr std::string_view kGapFrom = "hooks.gap_from";
constexpr std::string_view kLease = "hooks.lease";

constexpr std::chrono::seconds kLeaseTime{60};

std::optional<std::int64_t> numberIn(std::string_view text) {
  std::int64_t number = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (text.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

std::optional<Instant> instantIn(std::string_view text) {
  const auto ms = numberIn(text);
  if (!ms) return std::nullopt;
  return fromEpochMs(*ms);
}

std::string textOf(const std::optional<Instant>& instant) {
  return instant ? std::to_string(toEpochMs(*instant)) : "";
}

}  // namespace

HookMemory readHookMemory(store::Reader& reader) {
  const auto meta = [&](std::string_view key) { return reader.findMeta(key).value_or(""); };
  HookMemory memory;
  memory.url = meta(kUrl);
  memory.id = numberIn(meta(kId)).value_or(0);
  memory.checkedAt = instantIn(meta(kCheckedAt));
  memory.gapFrom = instantIn(meta(kGapFrom));
  return memory;
}

Result<HookMemory> readHookMemory(store::Store& store) {
  HookMemory memory;
  const Outcome read = store.read([&](store::Reader& reader) -> Outcome {
    memory = readHookMemory(reader);
    return Done{};
  });
  if (!read) return read.error();
  return memory;
}

void rememberHook(store::Transaction& tx, const HookMemory& memory) {
  tx.setMeta(kUrl, memory.url);
  tx.setMeta(kId, memory.id == 0 ? "" : std::to_string(memory.id));
  tx.setMeta(kCheckedAt, textOf(memory.checkedAt));
  tx.setMeta(kGapFrom, textOf(memory.gapFrom));
}

void rememberRepair(store::Transaction& tx, Instant gapFrom) {
  tx.setMeta(kGapFrom, textOf(gapFrom));
}

// A lease that ends later than any can was written by a clock that has been set back since.
Outcome takeHookLease(store::Transaction& tx, const std::string& holder, Instant now) {
  const std::string lease = tx.findMeta(kLease).value_or("");
  const auto colon = lease.rfind(':');
  if (colon != std::string::npos && lease.substr(0, colon) != holder) {
    const auto until = instantIn(std::string_view(lease).substr(colon + 1)).value_or(now);
    if (until > now && until <= now + kLeaseTime) {
      return Error{Code::kBusy, "another process is working on the event webhook", until - now};
    }
  }
  tx.setMeta(kLease, holder + ':' + textOf(now + kLeaseTime));
  return Done{};
}

void giveHookLeaseBack(store::Transaction& tx, const std::string& holder) {
  const std::string lease = tx.findMeta(kLease).value_or("");
  if (lease.compare(0, holder.size() + 1, holder + ':') == 0) tx.setMeta(kLease, "");
}

}  // namespace mbr::sync
