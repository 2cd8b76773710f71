// Finds the contact that a path names, asking ActiveCampaign if need be.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "contacts/contact_cache.h"
#include "contacts/source.h"
#include "http/reply.h"
#include "http/request.h"

namespace mbr::api {

enum class Refresh {
  kAuto,   // what is known here; a pull for a contact that is not
  kLive,   // a pull always
  kNever,  // what is known here
};

// "auto", "live" or "never"; nothing for another word.
std::optional<Refresh> parseRefresh(std::string_view word);

// Thread-safe.
class ContactLookup {
 public:
  struct Options {
    Milliseconds pullDeadline{5000};
  };
  // Called once at most, on the caller's or another thread.
  using FoundFn = std::function<void(const contacts::CachedContactPtr&)>;

  // All of them must outlive the lookup, and the lookup every reply that is still open.
  ContactLookup(contacts::ContactCache& cache, contacts::Source& source, const Clock& clock,
                Options options)
      : cache_(cache), source_(source), clock_(clock), options_(options) {}

  // `name`: an e-mail if it holds an '@', else an id. Either calls `found`, with a contact that
  // ActiveCampaign has, or answers itself: 400 (neither), 404 (ActiveCampaign has none, or kNever
  // and none is known here), 503 (a failed pull says nothing). Does not wait.
  void find(const http::Request& request, std::string_view name, Refresh refresh,
            const http::Reply& reply, FoundFn found) const;

 private:
  struct Search;

  Result<contacts::CachedContactPtr> lookUp(const Search& search) const;
  void pull(Search search) const;
  void afterPull(const Search& search, const Result<contacts::Pulled>& pulled) const;

  contacts::ContactCache& cache_;
  contacts::Source& source_;
  const Clock& clock_;
  const Options options_;
};

}  // namespace mbr::api
