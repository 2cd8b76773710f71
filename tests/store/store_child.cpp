// A process of its own for tests that need one to die.
//   store_child ledger PATH       saves contact after contact; a line with the id for each one
//                                 that was acknowledged, until it is killed
//   store_child fast-worker PATH  writes from a fast worker, which must abort
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <string>

#include "base/thread_role.h"
#include "store/sql/sql_store.h"

namespace {

using namespace mbr;

Contact bigContact(ContactId id) {
  Contact contact;
  contact.id = id;
  contact.firstName = std::string(2000, 'x');
  contact.tags = {1, id + 1};
  return contact;
}

[[noreturn]] void keepLedger(store::Store& store) {
  constexpr int kInFlight = 64;
  for (ContactId next = 1;; next += kInFlight) {
    std::promise<void> last;
    for (int i = 0; i < kInFlight; ++i) {
      const ContactId id = next + i;
      store.submit(
          [id](store::Transaction& tx) -> Outcome {
            tx.saveContact(bigContact(id));
            return Done{};
          },
          [id, i, &last](const Outcome& outcome) {
            if (!outcome) std::_Exit(1);
            const std::string line = std::to_string(id) + "\n";
            if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);
            if (i == kInFlight - 1) last.set_value();
          });
    }
    last.get_future().wait();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const SystemClock clock;
  store::sql::SqlStore::Options options;
  options.path = argv[2];
  auto opened = store::sql::SqlStore::open(options, clock);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().detail.c_str());
    return 1;
  }
  store::Store& store = **opened;
  if (std::strcmp(argv[1], "ledger") == 0) keepLedger(store);
  if (std::strcmp(argv[1], "fast-worker") == 0) {
    declareFastWorker();
    (void)store.write([](store::Transaction&) -> Outcome { return Done{}; });
  }
  return 0;
}
