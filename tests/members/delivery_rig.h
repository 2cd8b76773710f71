// Deliveries by hand, and what became of them.
#pragma once

#include <string>
#include <utility>

#include "members/delivery_applier.h"
#include "members/rig.h"

namespace mbr::test {

class DeliveryRig : public MembersRig {
 public:
  DeliveryRig() { fillDirectories(); }

  int woken = 0;  // written on the writer's thread, before the answer
  members::DeliveryApplier applier{store, directories, sealer, clock, {}, [this] { ++woken; }};

  Result<members::Receipt> tryApply(Delivery delivery) {
    std::promise<Result<members::Receipt>> promise;
    auto receipt = promise.get_future();
    applier.apply(std::move(delivery),
                  [&](Result<members::Receipt> answer) { promise.set_value(std::move(answer)); });
    return resultOf(receipt);
  }
  members::Receipt apply(Delivery delivery) {
    auto receipt = tryApply(std::move(delivery));
    CPPUNIT_ASSERT(receipt.ok());
    return *receipt;
  }

  static Delivery body(std::optional<ContactId> id, const std::string& mail) {
    Delivery delivery;
    delivery.route = "events";
    delivery.dialect = Delivery::Dialect::kEvent;
    delivery.eventType = "update";
    delivery.contactId = id;
    delivery.email = Email::parse(mail);
    delivery.digest = std::string(16, 'd');
    return delivery;
  }
  static Delivery genpass(std::optional<ContactId> id, const std::string& mail,
                          std::vector<TagId> tags = {},
                          std::vector<AutomationId> automations = {}) {
    Delivery delivery = body(id, mail);
    delivery.route = "mbr_genpass";
    delivery.dialect = Delivery::Dialect::kAutomation;
    delivery.eventType = "";
    delivery.followUp.password = true;
    delivery.followUp.tags = std::move(tags);
    delivery.followUp.automations = std::move(automations);
    return delivery;
  }

  std::vector<Job> jobsOf(std::string_view kind) {
    std::vector<Job> found;
    for (Job& job : jobs()) {
      if (job.kind == kind) found.push_back(std::move(job));
    }
    return found;
  }
  void setState(JobId id, JobState state) {
    write([&](store::Transaction& tx) {
      Job job = *tx.findJob(id);
      job.state = state;
      CPPUNIT_ASSERT(tx.saveJob(job));
    });
  }
  Job claim() {
    std::vector<Job> claimed;
    clock.advance(members::kRefreshDelay);
    write([&](store::Transaction& tx) {
      claimed = tx.claimJobs(1, Lane::kBackfill, clock.now() + std::chrono::minutes{2});
    });
    CPPUNIT_ASSERT(!claimed.empty());
    return claimed.front();
  }
};

}  // namespace mbr::test
