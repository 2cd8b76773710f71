// The contract on SQLite.
#include "store_contract.h"
#include "support/test_store.h"

CPPUNIT_TEST_SUITE_REGISTRATION(mbr::test::StoreContractTest<mbr::test::TestStore>);
