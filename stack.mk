# The stack: Docker and native. Included by the Makefile.

STACK = $(BIN)/python -m syndarix_obs_stack

.PHONY: secrets stack-check native-up native-status native-down rules-test compose-check

secrets: .venv/.demo  ## Make .env and the secrets that docker compose needs
	@$(STACK) init

stack-check: .venv/.demo  ## Say what would keep the stack from starting, and how to mend it
	@$(STACK) check

native-up: .venv/.demo  ## Start every server that is on the PATH, from the files that Docker uses
	@$(STACK) up

native-status: .venv/.demo  ## Say which servers run where
	@$(STACK) status

native-down: .venv/.demo  ## Stop what native-up started
	@$(STACK) down

rules-test:  ## promtool and amtool over every rule, rule test and route
	promtool check rules prometheus/rules/*.yml
	cd prometheus/tests && promtool test rules *.yml
	amtool check-config alertmanager/alertmanager.yml

compose-check:  ## docker-compose.yml with the example settings
	SECRETS_DIR=./secrets docker compose --env-file .env.example config --quiet
