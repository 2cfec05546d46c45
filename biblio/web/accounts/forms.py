"""Forms about accounts."""

from __future__ import annotations

from wtforms import BooleanField, EmailField, HiddenField, PasswordField, SelectField, StringField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, EqualTo, Length, Optional

from biblio.store.words import Role
from biblio.web.accounts.service import PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH
from biblio.webkit import Form

_NEW_PASSWORD = [
    DataRequired("Type a password."),
    Length(PASSWORD_MIN_LENGTH, PASSWORD_MAX_LENGTH, f"Use at least {PASSWORD_MIN_LENGTH} characters."),
]


class LoginForm(Form):
    """Logging in."""

    username = StringField(
        "User name",
        [DataRequired("Type your user name."), Length(max=64)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        "Password", [DataRequired("Type your password.")], render_kw={"autocomplete": "current-password"}
    )
    next = HiddenField()
    submit = SubmitField("Log in")


class PasswordForm(Form):
    """Changing one's own password."""

    current = PasswordField(
        "Password now",
        [DataRequired("Type the password you have now.")],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        "New password",
        _NEW_PASSWORD,
        description=f"At least {PASSWORD_MIN_LENGTH} characters; a few words in a row are good.",
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        "New password again",
        [EqualTo("new", "The two new passwords differ: type the same one twice.")],
        render_kw={"autocomplete": "new-password"},
    )
    submit = SubmitField("Change password")


class DigestForm(Form):
    """Whether one wants the daily mail about what waits at the desk."""

    wanted = BooleanField(
        "Send me one mail each morning with what waits for me at the desk",
        description="Off unless you ask for it. None is sent on a day on which nothing waits.",
    )
    submit = SubmitField("Save")


def _role_choices() -> list[SelectChoice]:
    return [SelectChoice(value=role.value, label=role.label) for role in Role]


class NewUserForm(Form):
    """Adding a person."""

    username = StringField(
        "User name",
        [DataRequired("Type a user name."), Length(max=64)],
        description="Letters a–z, digits and . _ @ -",
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    name = StringField("Name", [DataRequired("Type the person's name."), Length(max=200)])
    email = EmailField(
        "E-mail address",
        [Optional(), Length(max=254)],
        description="Optional. Where people log in with their institution, it must be the address that it knows.",
    )
    role = SelectField("Role", choices=_role_choices())
    library = StringField(
        "Library", [Optional(), Length(max=64)], description="Optional: whose papers this person reads."
    )
    password = PasswordField(
        "First password",
        _NEW_PASSWORD,
        description=f"At least {PASSWORD_MIN_LENGTH} characters. Hand it over in person; it can be changed after login.",
        render_kw={"autocomplete": "new-password"},
    )
    submit = SubmitField("Add user")


class RoleForm(Form):
    """Giving a person another role."""

    role = SelectField("Role", choices=_role_choices())


class AddressForm(Form):
    """Giving a person another e-mail address, or none."""

    email = EmailField("E-mail address", [Optional(), Length(max=254)])
