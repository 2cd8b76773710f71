#include "api/document_routes.h"

#include <fstream>
#include <sstream>

#include "api/rig.h"

namespace mbr::api {

class DocumentRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DocumentRoutesTest);
  CPPUNIT_TEST(theContractIsServedToAnybody);
  CPPUNIT_TEST_SUITE_END();

  ApiRig rig;

  void theContractIsServedToAnybody() {
    registerDocumentRoutes(rig.router);
    auto request = rig.request("GET", "/membergate/v1/openapi.yaml");
    request.authorization.clear();
    const auto response = rig.answer(request);
    CPPUNIT_ASSERT_EQUAL(200, response.status);
    std::ifstream file(std::string(MBR_SOURCE_DIR) + "/src/api/openapi.yaml");
    std::ostringstream text;
    text << file.rdbuf();
    CPPUNIT_ASSERT(!text.str().empty());
    CPPUNIT_ASSERT(response.bodyView() == text.str());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DocumentRoutesTest);

}  // namespace mbr::api
