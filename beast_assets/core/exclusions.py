"""What a scan leaves out without being told, in gitignore syntax.

``ALWAYS`` is secrets and ``.git``: no ignore file re-includes them. Its names are in lower case,
because case does not matter there. ``DEFAULT`` any ``!pattern`` re-includes.

Patterns that are whole names, or have one star at their beginning or end, cost a scan nothing;
neither do paths from ``**/`` on. Others would send every name of every folder to the rules.
"""

ALWAYS = """
.git

# variables of programs; a folder named so (a Conda environment) is no secret
*.env
!*.env/
.env*

# private keys, certificates with keys, key stores, keyrings
*.pem
*.key
*.ppk
*.p8
*.pk8
*.p12
*.pfx
*.pkcs12
*.jks
*.jceks
*.bks
*.keystore
*.agekey
*.keychain
*.keychain-db
*.keyring
*.kwl
id_rsa*
id_dsa*
id_ecdsa*
id_ed25519*
ssh_host_*
!*.pub
secring.*
keyring.gpg
authorized_keys
known_hosts
.ssh/
.gnupg/
**/sops/age/
**/.local/share/keyrings/
**/.local/share/kwalletd/
**/.gnome2/keyrings/
**/library/keychains/
**/etc/ssl/private/

# password managers and what they export
*.kdb
*.kdbx
*.psafe3
*.opvault
*.agilekeychain
*.1pif
*.1pux
bitwarden_export*
bitwarden_encrypted_export*
lastpass_export.csv
lastpass_vault_export.csv
chrome passwords.csv
passwords.csv
passwords.txt
password.txt
logins.csv
.password-store/
.authinfo
.authinfo.gpg
.google_authenticator
**/.config/op/
**/.config/bitwarden*/

# logins of the net
.netrc
_netrc
.git-credentials
.htpasswd
.htdigest
.rhosts
.smbcredentials
.wpa_supplicant.conf
wpa_supplicant.conf
*.nmconnection
*.psk
*.ovpn
wg0.conf
wg1.conf
wg2.conf
chap-secrets
pap-secrets
.xauthority
.erlang.cookie
.passwd-s3fs
.passwd-davfs
.msmtprc
.fetchmailrc
.mbsyncrc
.offlineimaprc
.lftprc
filezilla.xml
sitemanager.xml
recentservers.xml
winscp.ini
*.remmina
.ftpconfig
sftp-config.json
**/.vscode/sftp.json
**/.vnc/passwd
**/etc/shadow
**/etc/gshadow
**/etc/wireguard/
**/networkmanager/system-connections/

# clouds
.aws/
.azure/
.oci/
.aliyun/
.bluemix/
.boto
.s3cfg
.databrickscfg
.kaggle/
.cloudflared/
.fly/
.wrangler/
accesskeys.csv
*_accesskeys.csv
rootkey.csv
access_tokens.db
credentials.db
service-account.json
service_account.json
serviceaccount.json
serviceaccountkey.json
service-account-key.json
service_account_key.json
service-account-file.json
gcp-key.json
gcloud-service-key.json
firebase-adminsdk.json
client_secret*
rclone.conf
.rclone.conf
**/.config/gcloud/
**/.config/doctl/
**/.config/hcloud/
**/.config/linode-cli
**/.config/rclone/
**/.huggingface/token
**/huggingface/token
**/huggingface/stored_tokens

# containers, clusters, infrastructure
.dockercfg
kubeconfig
*.kubeconfig
.kube/
.talos/
talosconfig
k3s.yaml
*.tfstate
*.tfstate.backup
*.tfvars
*.tfvars.json
.terraformrc
terraform.rc
credentials.tfrc.json
.pulumi/
.vault-token
.vault_pass
.vault_pass.txt
.vault-pass
vault_pass.txt
vault-password.txt
**/.docker/config.json

# packages, forges, build servers
.npmrc
.pypirc
.yarnrc
auth.json
settings-security.xml
credentials.xml
hudson.util.secret
.sentryclirc
.gitlab-token
.github-token
**/.m2/settings.xml
**/.gradle/gradle.properties
**/gh/hosts.yml
**/glab-cli/config.yml
**/.config/hub

# databases
.pgpass
pgpass.conf
.my.cnf
.mylogin.cnf
.dbshell
datasources.local.xml
wp-config.php
**/.snowsql/config
**/.dbt/profiles.yml

# what someone typed
*_history
!*_history/
.histfile
.zhistory
.lesshst
**/psreadline/consolehost_history.txt

# browsers and mail
cookies
!cookies/
cookies-journal
cookies.txt
cookies.sqlite*
login data*
web data
web data-journal
logins.json
logins-backup.json
signons.sqlite
key3.db
key4.db
places.sqlite*
formhistory.sqlite
.mozilla/
.thunderbird/
.librewolf/
**/.config/google-chrome*/
**/.config/chromium/
**/.config/bravesoftware/
**/.config/microsoft-edge*/
**/.config/vivaldi/
**/.config/opera/
**/application support/google/chrome/
**/application support/firefox/
**/application support/bravesoftware/
**/google/chrome/user data/
**/microsoft/edge/user data/
**/mozilla/firefox/profiles/

# wallets
wallet.dat
*.wallet
.electrum/
.bitcoin/

# whatever calls itself so
credentials
!credentials/
*credentials.json
credentials.csv
credentials.toml
credentials.yaml
credentials.yml
credentials.ini
.secret
.secrets
secret.json
secret.yaml
secret.yml
secrets.json
secrets.yaml
secrets.yml
secrets.toml
secrets.ini
secrets.txt
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
