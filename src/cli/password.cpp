#include <iostream>

#include "app/password_orders.h"
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/job_watch.h"
#include "cli/words.h"

namespace mbr::cli {
namespace {

using Order = Result<JobId> (app::PasswordOrders::*)(const Email&);

int carryOut(const Arguments& arguments, Order order) {
  const Email email = readEmail(*arguments.contact);
  const JobWatch watch;
  const auto bench = openBench(arguments);
  app::PasswordOrders orders(*bench->store, bench->keys, bench->random, bench->config);
  const auto job = (orders.*order)(email);
  if (!job && job.error().code == Code::kDenied) throw Failure(kNegative, job.error().detail);
  if (!job) throw Failure(job.error());
  return watch.follow(*bench, {*job}, arguments.json);
}

}  // namespace

int resetPassword(const Arguments& arguments) {
  return carryOut(arguments, &app::PasswordOrders::reset);
}

int wipePassword(const Arguments& arguments) {
  return carryOut(arguments, &app::PasswordOrders::wipe);
}

}  // namespace mbr::cli
