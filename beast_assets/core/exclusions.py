"""What a scan leaves out without being told, in gitignore syntax.

``ALWAYS`` is secrets and ``.git``: no ignore file re-includes them, and case does not matter.
``DEFAULT`` any ``!pattern`` re-includes.
"""

ALWAYS = """
.git
.env
.env.*
.envrc
*.pem
*.key
*.ppk
*.p12
*.pfx
*.jks
*.keystore
*.kdbx
id_rsa*
id_dsa*
id_ecdsa*
id_ed25519*
!*.pub
.netrc
_netrc
.pgpass
.my.cnf
.npmrc
.pypirc
.htpasswd
.git-credentials
.dockercfg
.s3cfg
.boto
.vault-token
.aws/
.azure/
.ssh/
.gnupg/
.kube/
.password-store/
**/.config/gcloud/
**/.docker/config.json
credentials
!credentials/
credentials.json
client_secret*
secrets.json
secrets.yaml
secrets.yml
secrets.toml
"""

DEFAULT = """
.hg
.svn
venv
.venv
node_modules
__pycache__
*.pyc
.cache
.mypy_cache
.pytest_cache
.ruff_cache
.hypothesis
.tox
.nox
.ipynb_checkpoints
logs/
*.log
backups/
*.bak
*.backup
*~
*.swp
.DS_Store
Thumbs.db
.Trash*
lost+found
"""
