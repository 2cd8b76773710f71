#include "api/change_routes.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "api/auth.h"
#include "base/json.h"
#include "base/time_format.h"
#include "http/form.h"
#include "http/problem.h"

namespace mbr::api {
namespace {

using Page = members::ChangeFeed::Page;

constexpr std::int64_t kMaxChangeId = 9'007'199'254'740'991;  // what every JSON reader can hold
constexpr int kLongestWait = 25;                              // seconds
constexpr int kDefaultLimit = 100;
constexpr int kMaxLimit = 1000;

struct Wanted {
  std::int64_t after = 0;
  std::chrono::seconds wait{0};
  int limit = kDefaultLimit;
};

// Decimal digits only, in [least, most].
template <class Number>
bool readNumber(const http::Form& query, std::string_view name, Number least, Number most,
                Number& out) {
  const std::string_view* text = query.find(name);
  if (text == nullptr) return true;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, out);
  return !text->empty() && text->front() != '-' && stop == end && error == std::errc() &&
         out >= least && out <= most;
}

std::optional<Wanted> readWanted(const http::Request& request) {
  Wanted wanted;
  if (request.query.empty()) return wanted;
  const auto query = http::parseForm(request.query);
  if (!query) return std::nullopt;
  int wait = 0;
  if (!readNumber<std::int64_t>(*query, "after", 0, kMaxChangeId, wanted.after) ||
      !readNumber(*query, "wait", 0, kLongestWait, wait) ||
      !readNumber(*query, "limit", 1, kMaxLimit, wanted.limit)) {
    return std::nullopt;
  }
  wanted.wait = std::chrono::seconds{wait};
  return wanted;
}

http::Response render(const Page& page) {
  json::Array rows;
  for (const members::ContactChange& change : page.changes) {
    rows.push_back(json::Object{{"id", std::to_string(change.id)},
                                {"contact_id", std::to_string(change.contact)},
                                {"at", formatRfc3339(change.at)}});
  }
  return http::jsonResponse(
             200, json::Object{{"changes", std::move(rows)}, {"last", std::to_string(page.last)}})
      .with("Cache-Control", "no-store");
}

}  // namespace

void ChangeRoutes::registerOn(http::Router& router) {
  router.add("GET", "/membergate/v1/changes",
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { show(request, reply); });
}

void ChangeRoutes::show(const http::Request& request, const http::Reply& reply) {
  if (!authorise(keys_, request, access::Scope::kContactsRead, reply)) return;
  const auto wanted = readWanted(request);
  if (!wanted) {
    return reply.send(http::problem(
        request, 400, "invalid_request",
        "The parameter after is the id of a change, wait 0 to 25 seconds, limit 1 to 1000."));
  }
  const auto until = request.arrived + wanted->wait;
  for (;;) {
    const auto page = feed_.read(wanted->after, wanted->limit);
    if (!page) return reply.send(http::errorResponse(request.requestId, page.error()));
    if (page->resync) {
      return reply.send(http::problem(
          request, 409, "resync_needed",
          "Changes after this one are not kept: read all contacts, then go on after last.",
          {{"last", std::to_string(page->last)}}));
    }
    const auto answer = render(*page);
    if (!page->changes.empty() || !page->complete || wanted->wait.count() == 0) {
      return reply.send(answer);
    }
    if (!reply.expireAt(until, answer)) {
      return reply.send(http::errorResponse(
          request.requestId, {Code::kBusy, "too many replies wait", std::chrono::seconds{1}}));
    }
    if (enlist({wanted->after, wanted->limit, until, reply}, page->last, request.arrived)) return;
  }
}

bool ChangeRoutes::enlist(Poll poll, std::int64_t seen, SteadyInstant now) {
  const std::lock_guard lock(mutex_);
  if (newest_ > seen) return false;
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(),
                                [&](const Poll& old) { return old.until <= now; }),
                 waiting_.end());
  waiting_.push_back(std::move(poll));
  return true;
}

void ChangeRoutes::onChanges(const std::vector<store::Change>& changes) {
  std::int64_t newest = 0;
  for (const store::Change& change : changes) {
    if (change.kind == store::ChangeKind::kContact) newest = std::max(newest, change.id);
  }
  if (newest == 0) return;
  const std::int64_t before = changes.front().id - 1;  // whoever waits from earlier on sees all
  std::vector<Poll> answered;
  {
    const std::lock_guard lock(mutex_);
    newest_ = std::max(newest_, newest);
    const auto waits = [newest](const Poll& poll) { return poll.after >= newest; };
    const auto left = std::partition(waiting_.begin(), waiting_.end(), waits);
    std::move(left, waiting_.end(), std::back_inserter(answered));
    waiting_.erase(left, waiting_.end());
  }
  // The writer is held up, so what is the same for many is made once.
  std::map<std::pair<std::int64_t, int>, http::Response> answers;
  for (const Poll& poll : answered) {
    const std::int64_t after = std::max(poll.after, before);
    auto& answer = answers[{after, poll.limit}];
    if (answer.body.empty()) {
      answer = render(members::ChangeFeed::pageOf(changes, after, poll.limit));
    }
    poll.reply.send(answer);
  }
}

}  // namespace mbr::api
