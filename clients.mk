# The clients that we watch, in the oldest, the middle and the newest versions that the extra `instrument` allows. Included by the Makefile.

CLIENT_ENVS := .venv-clients

.PHONY: test-clients $(addprefix test-clients-,oldest middle newest)

test-clients: $(addprefix test-clients-,oldest middle newest)  ## Run the integrations' tests beside openai 2 and 3, anthropic 1 and 2

CLIENTS_oldest := 'openai==2.0.0' 'anthropic==1.0.0'
CLIENTS_middle := 'openai>=2,<3' 'anthropic>=1,<2'
CLIENTS_newest := 'openai>=3' 'anthropic>=2'

$(addprefix test-clients-,oldest middle newest): test-clients-%: $(CLIENT_ENVS)/%/.done
	@echo "With $$($(CLIENT_ENVS)/$*/bin/python -m pip freeze | grep -E '^(openai|anthropic)==' | tr '\n' ' ')"
	@$(CLIENT_ENVS)/$*/bin/python -m pytest -p no:cacheprovider -q tests/unit/integrations

$(CLIENT_ENVS)/%/.done: pyproject.toml
	@echo "Creating $(@D) …"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet \
		--editable '.[instrument]' $(CLIENTS_$*) httpx httpx2 pytest pytest-asyncio
	@touch $@
