// The contracts on SQLite.
#include "history_contract.h"
#include "site_contract.h"
#include "store_contract.h"
#include "support/test_store.h"
#include "sync_contract.h"

CPPUNIT_TEST_SUITE_REGISTRATION(mbr::test::StoreContractTest<mbr::test::TestStore>);
CPPUNIT_TEST_SUITE_REGISTRATION(mbr::test::SyncContractTest<mbr::test::TestStore>);
CPPUNIT_TEST_SUITE_REGISTRATION(mbr::test::SiteContractTest<mbr::test::TestStore>);
CPPUNIT_TEST_SUITE_REGISTRATION(mbr::test::HistoryContractTest<mbr::test::TestStore>);
