#include "api/contact_lookup.h"

#include <string>
#include <utility>

#include "http/problem.h"
#include "ops/log.h"

namespace mbr::api {
namespace {

// The deadline of a pull is the source's to keep; this is for a source that does not.
constexpr std::chrono::seconds kGrace{1};

http::Response notFound(const std::string& requestId) {
  return http::problemFor(requestId, 404, "not_found", "There is no such contact.");
}

http::Response pullFailed(const std::string& requestId,
                          std::optional<std::chrono::milliseconds> retryAfter) {
  return http::errorResponse(requestId, {Code::kUnavailable, "the pull failed", retryAfter});
}

bool isThere(const contacts::CachedContactPtr& contact) {
  return contact != nullptr && !contact->contact.deletedAt;
}

}  // namespace

// One request's way to its contact.
struct ContactLookup::Search {
  contacts::Who who;  // as named by the path: an id or an e-mail
  std::string requestId;
  http::Reply reply;
  FoundFn found;
};

std::optional<Refresh> parseRefresh(std::string_view word) {
  if (word == "auto") return Refresh::kAuto;
  if (word == "live") return Refresh::kLive;
  if (word == "never") return Refresh::kNever;
  return std::nullopt;
}

void ContactLookup::find(const http::Request& request, std::string_view name, Refresh refresh,
                         const http::Reply& reply, FoundFn found) const {
  Search search{{}, request.requestId, reply, std::move(found)};
  if (name.find('@') != std::string_view::npos) {
    search.who.email = Email::parse(name);
  } else {
    search.who.id = parseId(name);
  }
  if (!search.who.id && !search.who.email) {
    return reply.send(http::problem(request, 400, "invalid_request",
                                    "The path names neither a contact's id nor an e-mail."));
  }
  const auto known = lookUp(search);
  if (!known) return reply.send(http::errorResponse(request.requestId, known.error()));
  if (refresh == Refresh::kLive || (refresh == Refresh::kAuto && *known == nullptr)) {
    if (search.who.id && isThere(*known)) search.who.email = (*known)->contact.email;
    return pull(std::move(search));
  }
  if (!isThere(*known)) return reply.send(notFound(request.requestId));
  search.found(*known);
}

Result<contacts::CachedContactPtr> ContactLookup::lookUp(const Search& search) const {
  if (search.who.id) return cache_.findById(*search.who.id);
  return cache_.findByEmail(*search.who.email);
}

void ContactLookup::pull(Search search) const {
  const auto deadline = clock_.steady() + options_.pullDeadline;
  if (!search.reply.expireAt(deadline + kGrace, pullFailed(search.requestId, std::nullopt))) {
    return search.reply.send(
        http::errorResponse(search.requestId, {Code::kBusy, "too many replies wait"}));
  }
  const contacts::Who who = search.who;
  source_.pull(who, deadline,
               [this, search = std::move(search)](const Result<contacts::Pulled>& pulled) {
                 afterPull(search, pulled);
               });
}

void ContactLookup::afterPull(const Search& search, const Result<contacts::Pulled>& pulled) const {
  if (!pulled) {
    ops::logInfo("contact_pull_failed",
                 {{"reason", pulled.error().detail}, {"request_id", search.requestId}});
    return search.reply.send(pullFailed(search.requestId, pulled.error().retryAfter));
  }
  if (!pulled->contact) return search.reply.send(notFound(search.requestId));
  // Who asked for an id gets that id, even if the person lives on under another one.
  const auto pulledContact = cache_.findById(search.who.id.value_or(*pulled->contact));
  if (!pulledContact) {
    return search.reply.send(http::errorResponse(search.requestId, pulledContact.error()));
  }
  if (!isThere(*pulledContact)) return search.reply.send(notFound(search.requestId));
  search.found(*pulledContact);
}

}  // namespace mbr::api
