#include "api/authz_routes.h"

#include <utility>

#include "domain/contact.h"
#include "http/cookies.h"

namespace mbr::api {
namespace {

constexpr const char* kDocumentUri = "/.membergate/authz";
constexpr std::string_view kRuleParam = "MEMBERGATE_RULE";
constexpr const char* kResultWords[] = {"admitted", "no_session", "no_rule",
                                        "banned",   "refused",    "unavailable"};
constexpr int kStatuses[] = {204, 401, 403, 403, 403, 403};

std::string headerValue(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '%') {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 0x0F]);
  }
  return out;
}

std::string joined(const std::vector<TagId>& tags) {
  std::string text;
  for (const TagId tag : tags) text += (text.empty() ? "" : ",") + std::to_string(tag);
  return text;
}

}  // namespace

AuthzRoutes::AuthzRoutes(access::Sessions& sessions, contacts::ContactCache& cache,
                         const contacts::Directories& directories, const Clock& clock,
                         Options options)
    : sessions_(sessions),
      cache_(cache),
      directories_(directories),
      clock_(clock),
      options_(std::move(options)) {
  for (std::size_t i = 0; i < kResults; ++i) {
    results_[i] = &ops::counter("membergate_authz_total", "Requests for gated pages by the answer",
                                {{"result", kResultWords[i]}});
  }
}

void AuthzRoutes::registerOn(http::Router& router) {
  router.addInternal(kDocumentUri, [this](const http::Request& request, const http::PathParams&,
                                          const http::Reply& reply) {
    http::Response answer;
    answer.contentType.clear();
    const auto result = static_cast<std::size_t>(judge(request, answer));
    answer.status = kStatuses[result];
    results_[result]->add();
    reply.send(std::move(answer));
  });
}

// Fills the headers of `answer` if the visitor is admitted.
AuthzRoutes::Result AuthzRoutes::judge(const http::Request& request, http::Response& answer) const {
  const auto name = request.params.find(kRuleParam);
  if (name == request.params.end()) return Result::kNoRule;
  const auto rule = options_.rules.find(name->second);
  if (rule == options_.rules.end()) return Result::kNoRule;

  const auto session = sessions_.find(http::cookie(request, access::kSessionCookie));
  if (!session) return Result::kUnavailable;
  if (!*session) return Result::kNoSession;
  const auto cached = cache_.findById((*session)->contactId);
  if (!cached) return Result::kUnavailable;
  if (!*cached || (*cached)->contact.deletedAt) return Result::kNoSession;
  const Contact& contact = (*cached)->contact;

  const auto names = directories_.names();
  const auto banned = isBanned(contact, *names);
  if (!banned) return Result::kUnavailable;
  if (*banned) return Result::kBanned;
  GateTags tags = gateTags(contact, clock_.now());
  const access::Visitor visitor{std::move(tags.sure), std::move(tags.doubtful), (*session)->via};
  const auto tagIdOf = [&](std::string_view tag) { return names->tagId(tag); };
  if (!rule->second.admits(visitor, tagIdOf)) return Result::kRefused;

  answer.with("X-Membergate-Contact", std::to_string(contact.id))
      .with("X-Membergate-Email", contact.email ? headerValue(contact.email->text()) : "")
      .with("X-Membergate-Tags", joined(visitor.tags));
  return Result::kAdmitted;
}

// A doubtful ban tag bans: what was said about the contact is believed until it is denied.
std::optional<bool> AuthzRoutes::isBanned(const Contact& contact,
                                          const contacts::Names& names) const {
  if (!options_.banTag) return false;
  auto id = parseId(*options_.banTag);
  if (!id) id = names.tagId(*options_.banTag);
  if (id) return contact.hasTag(*id);
  // A tag that ActiveCampaign does not have is carried by nobody.
  return names.complete() ? std::optional(false) : std::nullopt;
}

}  // namespace mbr::api
