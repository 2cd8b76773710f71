#include "members/case_file.h"

#include <algorithm>
#include <array>

namespace mbr::members {
namespace {

constexpr int kMost = 20;          // rows of each kind
constexpr int kMostEmails = 5000;  // looked at for the same letters
constexpr std::size_t kMostAlike = 5;
constexpr std::size_t kSameLetters = 2;  // at the beginning

std::vector<ContactId> findLookAlikes(store::Reader& reader, const Email& email) {
  std::vector<ContactId> alike;
  for (const auto& owner : reader.listEmails(email.text().substr(0, kSameLetters), kMostEmails)) {
    if (owner.email == email.text() || !looksAlike(owner.email, email.text())) continue;
    alike.push_back(owner.contact);
    if (alike.size() == kMostAlike) break;
  }
  return alike;
}

std::vector<std::string> tagNames(const Contact& contact, const contacts::Names& names) {
  std::vector<std::string> all;
  for (const TagId tag : contact.tags) {
    const std::string_view name = names.tagName(tag);
    all.push_back(name.empty() ? std::to_string(tag) : std::string(name));
  }
  return all;
}

}  // namespace

bool isInForce(const store::LinkRecord& link, Instant now) {
  return !link.usedAt && link.expiresAt > now;
}

bool looksAlike(std::string_view a, std::string_view b) {
  constexpr std::size_t kMostLetters = 2;
  const std::size_t apart = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (apart > kMostLetters) return false;
  // Three rows of the usual table, with two letters that changed places as one step.
  std::array<std::vector<std::size_t>, 3> rows;
  for (auto& row : rows) row.resize(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& now = rows[i % 3];
    const auto& last = rows[(i + 2) % 3];
    const auto& beforeLast = rows[(i + 1) % 3];
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t other = a[i - 1] == b[j - 1] ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + other});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) now[j] = std::min(now[j], beforeLast[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()] <= kMostLetters;
}

CaseFile readCase(store::Reader& reader, const contacts::Who& question,
                  const CaseSettings& settings, const Tombstones& tombstones,
                  const contacts::Names& names, Instant now) {
  CaseFile file;
  file.question = question;
  file.settings = settings;
  file.now = now;
  file.openGaps = reader.listOpenGaps();
  file.erasedAt = tombstones.covers(reader, question.id, question.email);
  file.contact = contacts::findContact(reader, question);
  std::string email;
  if (question.email) email = question.email->text();
  if (question.email) file.lookAlikes = findLookAlikes(reader, *question.email);
  if (!file.contact && email.empty()) return file;

  const auto id = file.contact ? std::optional(file.contact->id) : std::nullopt;
  if (email.empty() && file.contact->email) email = file.contact->email->text();
  file.jobs = reader.searchJobs({std::nullopt, "", id, email}, kMost);
  file.deliveries = reader.searchDeliveries({std::nullopt, id, email, std::nullopt}, kMost);
  if (!file.contact) return file;

  file.credential = reader.findCredential(*id);
  file.links = reader.listLinksOf(*id, kMost);
  file.sessions = reader.listSessionsOf(*id, kMost);
  file.tags = tagNames(*file.contact, names);
  file.entitlement = entitlementOf(*file.contact, names, settings.requiredTags, settings.banTag);
  return file;
}

}  // namespace mbr::members
