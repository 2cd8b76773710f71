// What the tests of writes stand on: a dispatcher whose change jobs come to what the test says.
#pragma once

#include <functional>
#include <string>

#include "api/awaited_change.h"
#include "api/contact_lookup.h"
#include "api/rig.h"
#include "members/change_intake.h"
#include "members/job_payload.h"

namespace mbr::api {

class WriteRig : public ApiRig {
 public:
  using Payload = members::ChangePayload;
  using Item = Payload::Item;

  WriteRig() {
    dispatcher = &jobs;
    saveContact(42, "jane@example.com");
    jobs.handle(std::string(members::kChangeJob), [this](Job& job, const StopFlag&) {
      auto change = members::readChangePayload(job.payload);
      auto verdict = activeCampaign(*change);
      job.payload = members::write(*change);
      return verdict;
    });
  }
  ~WriteRig() {
    jobs.stop();
    dispatcher = nullptr;
  }

  // A request that came now: the dispatcher's timer goes by the machine's clock.
  http::Request write(const std::string& method, const std::string& path, const std::string& body,
                      const std::string& prefer = "wait=8") const {
    auto made = request(method, "/membergate/v1/contacts" + path, body);
    made.arrived = std::chrono::steady_clock::now();
    if (!prefer.empty()) made.headers["prefer"] = prefer;
    return made;
  }

  std::int64_t countJobs() {
    std::int64_t count = 0;
    database.read([&](store::Reader& reader) {
      for (const auto& row : reader.countJobs()) count += row.count;
    });
    return count;
  }

  // All of it was taken.
  static outbox::Verdict takeAll(Payload& change) {
    for (Item& item : change.items) item.result = Item::Result::kApplied;
    return outbox::Verdict::done(members::renderResults(change));
  }

  ops::Timer timer;
  outbox::Dispatcher jobs{store, clock, random, timer, {}};
  members::ChangeIntake intake{store, clock, [this] { jobs.wake(); }};
  ContactLookup lookup{cache, source, clock, {}};
  AwaitedChanges changes{intake, jobs};
  std::function<outbox::Verdict(Payload&)> activeCampaign = &takeAll;
};

}  // namespace mbr::api
