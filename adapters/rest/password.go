package rest

import "context"

// PasswordChange changes the password of the user who is signed in.
type PasswordChange struct {
	Password    string `json:"password"`
	NewPassword string `json:"new_password"`
}

// ForgotRequest asks for a link to choose another password, by mail.
type ForgotRequest struct {
	Email string `json:"email"`
}

// ResetPasswordRequest chooses another password by such a link.
type ResetPasswordRequest struct {
	Token    string `json:"token"`
	Password string `json:"password"`
}

// ChangePassword changes the password of the user who is signed in.
func (c *Client) ChangePassword(ctx context.Context, request PasswordChange) error {
	return c.post(ctx, AuthPath+"/password", request, nil)
}

// ForgotPassword asks for a link to choose another password, by mail.
func (c *Client) ForgotPassword(ctx context.Context, email string) error {
	return c.post(ctx, AuthPath+"/password/forgot", ForgotRequest{email}, nil)
}

// ResetPassword chooses another password, with the token of such a link.
func (c *Client) ResetPassword(ctx context.Context, request ResetPasswordRequest) error {
	return c.post(ctx, AuthPath+"/password/reset", request, nil)
}
