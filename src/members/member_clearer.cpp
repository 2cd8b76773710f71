#include "members/member_clearer.h"

#include <memory>
#include <utility>

#include "ops/log.h"

namespace mbr::members {
namespace {

Receipt clearIn(store::Transaction& tx, const Delivery& call, const std::string& actor) {
  std::optional<Contact> known;
  if (call.contactId) {
    known = tx.findContact(*call.contactId);
  } else if (call.email) {
    known = tx.findContactByEmail(*call.email);
  }
  Receipt receipt;
  receipt.contact = known ? std::optional(known->id) : call.contactId;
  receipt.status = known ? Receipt::Status::kAccepted : Receipt::Status::kIgnored;

  store::DeliveryRecord record;
  record.receivedAt = tx.now();
  record.route = call.route;
  record.digest = call.digest;
  if (known) record.contactId = known->id;  // of others, who may have been erased, nothing is kept
  record.status = known ? "accepted" : "ignored";
  record.requestId = call.requestId;
  tx.addDelivery(record);
  if (!known) return receipt;

  tx.deleteCredential(known->id);
  tx.deleteSessionsOf(known->id);
  tx.deleteLinksOf(known->id);
  tx.addAudit({tx.now(), actor, "member_cleared", known->id, "", call.requestId});
  return receipt;
}

}  // namespace

void MemberClearer::clear(Delivery call, std::string actor, DoneFn done) {
  struct Pending {
    Delivery call;
    std::string actor;
    DoneFn done;
    Receipt receipt;
  };
  auto pending =
      std::make_shared<Pending>(Pending{std::move(call), std::move(actor), std::move(done), {}});
  store_.submit(
      [pending](store::Transaction& tx) -> Outcome {
        pending->receipt = clearIn(tx, pending->call, pending->actor);
        return Done{};
      },
      [pending](const Outcome& outcome) {
        if (!outcome) return pending->done(outcome.error());
        if (pending->receipt.status == Receipt::Status::kAccepted) {
          ops::logInfo("member_cleared", {{"contact_id", *pending->receipt.contact},
                                          {"request_id", pending->call.requestId}});
        }
        pending->done(pending->receipt);
      });
}

}  // namespace mbr::members
