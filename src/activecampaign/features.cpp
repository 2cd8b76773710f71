#include "activecampaign/features.h"

#include <utility>

namespace mbr::activecampaign {
namespace {

std::optional<bool> readFlag(std::string_view saved, std::string_view name) {
  const auto at = saved.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view value = saved.substr(at + name.size());
  if (value.substr(0, 3) == "yes") return true;
  if (value.substr(0, 2) == "no") return false;
  return std::nullopt;
}

}  // namespace

Features::Features(std::string_view saved, Remember remember)
    : remember_(std::move(remember)),
      contact_(readFlag(saved, "contact=")),
      page_(readFlag(saved, "page=")) {}

std::optional<bool> Features::includes(Read read) const {
  const std::lock_guard lock(mutex_);
  return read == Read::kContact ? contact_ : page_;
}

void Features::learn(Read read, bool includes) {
  std::string saved;
  {
    const std::lock_guard lock(mutex_);
    std::optional<bool>& known = read == Read::kContact ? contact_ : page_;
    if (known == includes) return;
    known = includes;
    saved = textLocked();
  }
  if (remember_) remember_(saved);
}

std::string Features::text() const {
  const std::lock_guard lock(mutex_);
  return textLocked();
}

std::string Features::textLocked() const {
  std::string text;
  if (contact_) text = std::string("contact=") + (*contact_ ? "yes" : "no");
  if (!page_) return text;
  if (!text.empty()) text += ',';
  return text + "page=" + (*page_ ? "yes" : "no");
}

}  // namespace mbr::activecampaign
