#include "ctl/ctl.h"
#include "store/schema.h"

int
verb_views(struct call *call)
{
	int status = call_parse(call, NULL, 0, 0, 0);

	if (status != CALL_GO_ON)
		return status;
	fputs(schema_account_views, stdout);
	return CTL_OK;
}
