#include <iostream>

#include "app/password_orders.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/job_watch.h"
#include "cli/settings.h"
#include "cli/words.h"

namespace mbr::cli {
namespace {

using Order = Result<JobId> (app::PasswordOrders::*)(const Email&);

int carryOut(const Arguments& arguments, Order order) {
  const Email email = readEmail(*arguments.contact);
  Workplace place(arguments.configPath());
  app::PasswordOrders orders(*place.store, place.keys, place.random, place.config);
  const auto job = (orders.*order)(email);
  if (!job && job.error().code == Code::kDenied) throw Failure(kNegative, job.error().detail);
  if (!job) throw Failure(job.error());
  return followJobs(place, {*job}, arguments.json);
}

}  // namespace

int resetPassword(const Arguments& arguments) {
  return carryOut(arguments, &app::PasswordOrders::reset);
}

int wipePassword(const Arguments& arguments) {
  return carryOut(arguments, &app::PasswordOrders::wipe);
}

}  // namespace mbr::cli
