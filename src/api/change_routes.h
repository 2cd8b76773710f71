// GET /membergate/v1/changes
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "access/api_keys.h"
#include "http/router.h"
#include "members/change_feed.h"

namespace mbr::api {

// Handlers may run on several fast workers at once. A caller who waits costs a reply and no thread.
class ChangeRoutes {
 public:
  // Both must outlive the routes, and the routes every reply that is still open.
  ChangeRoutes(access::ApiKeys& keys, const members::ChangeFeed& feed) : keys_(keys), feed_(feed) {}

  // ?after=N&wait=S&limit=M: 200 {"changes":[{"id","contact_id","at"}],"last"}; if there is nothing
  // yet, as soon as there is or after S seconds. 409 `resync_needed` with `last` if what came after
  // N is not kept; 503 if too many wait. Scope contacts:read.
  void registerOn(http::Router& router);

  // For the store's listener: answers those who wait for these changes.
  void onChanges(const std::vector<store::Change>& changes);

 private:
  struct Poll {
    std::int64_t after = 0;
    int limit = 0;
    SteadyInstant until{};
    http::Reply reply;
  };

  void show(const http::Request& request, const http::Reply& reply);
  // False if something has changed since `seen` was read: then it is to be read again.
  bool enlist(Poll poll, std::int64_t seen, SteadyInstant now);

  access::ApiKeys& keys_;
  const members::ChangeFeed& feed_;
  std::mutex mutex_;
  std::vector<Poll> waiting_;  // guarded by mutex_; answered ones stay until the next one comes
  std::int64_t newest_ = 0;    // guarded by mutex_: the last change of a contact that was told
};

}  // namespace mbr::api
